'use strict';
// What goes wrong inside functions, and what they print: each on its own call, and no other suffers.

const { test } = require('node:test');
const assert = require('node:assert');
const { T, readError, worker } = require('./peer');

/** Two calls that wait until both are in, then one of them does what its path says. */
const CODE = `
const timers = require('node:timers/promises');
const todo = {
  rejects: () => { Promise.reject(new Error('nobody catches me')); return new Promise(() => {}); },
  rejectsLater: async () => { timers.setImmediate().then(() => { throw new TypeError('later'); }); return new Promise(() => {}); },
  throwsInTimer: () => { setTimeout(() => { throw new Error('in a timer'); }, 1); return new Promise(() => {}); },
  throwsInEmitter: () => { const e = new (require('node:events'))(); setImmediate(() => e.emit('error', new Error('emitted'))); return new Promise(() => {}); },
  throwsUndefined: () => { throw undefined; },
  rejectsNull: async () => { throw null; },
  exits: () => { setImmediate(() => process.exit(3)); return new Promise(() => {}); },
  overflows: () => { const f = () => f(); return f(); },
};
let both; const pair = new Promise((resolve) => { both = resolve; });
let waiting = 0;
exports.handle = async (r) => {
  if (r.path === '/fine') { if (++waiting === 2) both(); await pair; await timers.setTimeout(20); return 'fine'; }
  const name = r.path.slice(1);
  if (todo[name]) { if (++waiting === 2) both(); await pair; return todo[name](); }
  return 'after';
};`;

const FAULTS = [
  ['rejects', { type: 'Error', message: 'nobody catches me' }, false],
  ['rejectsLater', { type: 'TypeError', message: 'later' }, false],
  ['throwsInTimer', { type: 'Error', message: 'in a timer' }, true],
  ['throwsInEmitter', { type: 'Error', message: 'emitted' }, true],
  ['throwsUndefined', { type: 'undefined', message: 'undefined' }, false],
  ['rejectsNull', { type: 'null', message: 'null' }, false],
  ['overflows', { type: 'RangeError' }, false],
];

for (const [name, expected, retires] of FAULTS) {
  test(`fault: ${name}`, async (t) => {
    const peer = await worker(t, { 'function.js': CODE });
    const good = peer.start({ path: '/fine' });
    const bad = peer.start({ path: `/${name}` });
    const { error, logs } = await peer.answer(bad);
    assert.deepStrictEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, error?.[key]])), expected, JSON.stringify({ error, logs }));
    assert.strictEqual(error.kind, 0);
    assert.strictEqual((await peer.answer(good)).body, 'fine');
    assert.strictEqual((await peer.call()).body, 'after');
    assert.strictEqual(peer.frames.some((frame) => frame.type === T.BYE), retires);
    assert.strictEqual(await peer.bye(), 0);
  });
}

test('process.exit: the call that did it is told apart from those that may try again', async (t) => {
  const peer = await worker(t, { 'function.js': CODE });
  const good = peer.start({ path: '/fine' });
  const bad = peer.start({ path: '/exits' });
  assert.strictEqual(await peer.ended(), 3);
  const told = async (stream) => readError((await peer.take(T.ERROR, stream)).payload);
  assert.deepStrictEqual([(await told(bad)).kind, (await told(good)).kind], [1, 1]);
});

test('process.exit: only innocent calls may be tried again', async (t) => {
  const peer = await worker(t, { 'function.js': CODE });
  const good = peer.start({ path: '/fine' });
  const bad = peer.start({ path: '/exits' });
  const [a, b] = [await peer.answer(bad), await peer.answer(good)];
  assert.deepStrictEqual([a.error.retry, b.error.retry], [false, true]);
  assert.match(a.error.message, /code 3/);
});

test('http: an exception behind the return answers its call as the framework does in production', async (t) => {
  const code = 'exports.f = (req, res) => { if (req.path === "/ok") return res.send("ok"); setTimeout(() => { throw new Error("late") }, 1); };';
  const peer = await worker(t, { 'function.js': code }, { settings: { handler_style: 'http', handler: 'function.f' } });
  const answer = await peer.call();
  assert.deepStrictEqual([answer.status, answer.headers['x-google-status'], answer.body], [500, 'crash', 'Internal Server Error']);
  assert.match(answer.logs.at(-1).line, /^Error: late/m);
  assert.strictEqual((await peer.call({ path: '/ok' })).body, 'ok');
});

test('http: an error behind the head cuts the answer', async (t) => {
  const code = 'exports.f = async (req, res) => { res.write("begun"); throw new Error("half way"); };';
  const peer = await worker(t, { 'function.js': code }, { settings: { handler_style: 'http', handler: 'function.f' } });
  const answer = await peer.call();
  assert.strictEqual(answer.head.status, 200);
  assert.strictEqual(answer.error.message, 'half way');
});

test('a listener of the function that throws while a frame is read does not break the protocol', async (t) => {
  const code = 'exports.f = (req, res) => { if (req.path === "/ok") return res.end("ok"); req.on("data", () => { throw new Error("in data"); }); };';
  const peer = await worker(t, { 'function.js': code }, { settings: { handler_style: 'http', handler: 'function.f', handler_body: 'stream' } });
  const stream = peer.start({ method: 'POST', last: false });
  peer.send(T.DATA, true, stream, Buffer.from('x'));
  assert.strictEqual((await peer.answer(stream)).status, 500);
  assert.strictEqual((await peer.call({ path: '/ok' })).body, 'ok');
});

test('lines that are printed carry the stream of their call, in whatever order calls run', async (t) => {
  const code = `const timers = require('node:timers/promises');
    exports.handle = async (r) => { const n = r.path.slice(1);
      console.log('a', n); await timers.setTimeout(n === '1' ? 20 : 1); console.error('b %s', n); console.warn('w'); console.debug('d');
      process.stdout.write('no end '); process.stdout.write('of line ' + n); process.stderr.write(Buffer.from('x\\ny\\n')); return n; };`;
  const peer = await worker(t, { 'function.js': code });
  const streams = ['/1', '/2', '/3'].map((path) => peer.start({ path }));
  for (const [at, stream] of streams.entries()) {
    const n = String(at + 1);
    const { logs, body } = await peer.answer(stream);
    assert.strictEqual(body, n);
    assert.deepStrictEqual(logs.map(({ level, source, line }) => [level, source, line]), [
      [1, 1, `a ${n}`], [3, 2, `b ${n}`], [2, 2, 'w'], [0, 1, 'd'], [1, 2, 'x'], [1, 2, 'y'], [1, 1, `no end of line ${n}`],
    ]);
  }
  assert.strictEqual(peer.texts.stdout + peer.texts.stderr, '');
});

test('what is printed outside of calls goes to the real streams', async (t) => {
  const peer = await worker(t, { 'function.js': 'console.log("loading"); console.error("to stderr"); exports.handle = () => { setTimeout(() => console.log("behind the end"), 1); return 1; };' });
  await peer.call();
  await peer.until('lines', () => peer.texts.stdout === 'loading\nbehind the end\n' && peer.texts.stderr === 'to stderr\n');
});

test('long lines go in pieces, and NUL passes', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.handle = () => { console.log("x".repeat(150000)); console.log("a\\0b"); return 1; };' });
  const { logs } = await peer.answer(peer.start());
  assert.strictEqual(logs.slice(0, -1).map(({ line }) => line).join(''), 'x'.repeat(150000));
  assert.strictEqual(logs.at(-1).line, 'a\ufffdb');
});

test('children of the function do not hold the socket', async (t) => {
  const code = `const { execFileSync, spawn } = require('node:child_process');
    exports.handle = () => { const list = execFileSync('sh', ['-c', 'ls -l /proc/self/fd; echo env:$HEELER_FD']).toString();
      spawn('sleep', ['30'], { detached: true, stdio: 'ignore' }).unref();
      return { list, ours: require('node:fs').readlinkSync('/proc/self/fd/3') }; };`;
  const peer = await worker(t, { 'function.js': code });
  const { list, ours } = JSON.parse((await peer.call()).body);
  assert.match(ours, /^socket:/);
  assert.ok(!list.includes(ours), list);
  assert.match(list, /env:$/m);
  const closed = new Promise((resolve) => { peer.socket.once('close', resolve); });
  peer.child.kill('SIGKILL');
  await closed;
});

test('worker threads, cluster and forks of the function are harmless', async (t) => {
  const code = `const { Worker } = require('node:worker_threads'); const cluster = require('node:cluster');
    if (cluster.isWorker) process.send('from the cluster', () => process.exit(0));
    exports.handle = async (r) => {
      if (r.path === '/thread') return new Promise((resolve) => new Worker('require("node:worker_threads").parentPort.postMessage("from the thread"); console.log("printed there")', { eval: true }).once('message', resolve));
      if (r.path === '/cluster') return new Promise((resolve) => cluster.fork().once('message', resolve));
      return 'still here'; };`;
  const peer = await worker(t, { 'function.js': code });
  assert.strictEqual((await peer.call({ path: '/thread' })).body, 'from the thread');
  assert.strictEqual((await peer.call({ path: '/cluster' })).body, 'from the cluster');
  assert.strictEqual((await peer.call()).body, 'still here');
});
