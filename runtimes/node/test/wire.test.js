'use strict';
// The protocol, frame by frame: what the worker says to good frames and to bad ones.

const { test } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { T, HEADER_BYTES, Parser } = require('../frame');
const { Peer, callFrame, folder, frame, worker, readReply, readError } = require('./peer');

const GOLDEN = path.join(__dirname, '..', '..', '..', 'tests', 'wire');
const absent = fs.existsSync(GOLDEN) ? false : 'tests/wire is not there';
const HANDLER = { 'function.js': 'exports.handle = (r) => r.body.toUpperCase();' };

function hex(name) {
  const text = fs.readFileSync(path.join(GOLDEN, name), 'utf8');
  return Buffer.from(text.split('\n').map((line) => line.replace(/#.*/, '')).join('').replace(/\s/g, ''), 'hex');
}

function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

test('the worked call of docs/wire.md', { skip: absent }, async (t) => {
  const peer = await worker(t, { 'function.js': `exports.handle = (r) => ({ statusCode: 200, headers: { 'content-type': 'text/plain' }, body: r.path + r.query.x + r.headers['content-type'] + r.body.toUpperCase() });` });
  peer.socket.write(hex('call.hex'));
  const answer = await peer.answer(1);
  assert.strictEqual(answer.status, 200);
  assert.strictEqual(answer.body, '/hello1text/plainHI');
  const golden = readReply(hex('reply.hex').subarray(HEADER_BYTES));
  assert.deepStrictEqual(answer.headers, golden.headers);
});

test('every golden frame of heeler is taken, those broken for a worker are not', { skip: absent }, async (t) => {
  for (const name of ['ping.hex', 'optional.hex', 'call.hex', 'data.hex', 'window.hex', 'cancel.hex', 'end_heeler.hex']) {
    const peer = await worker(t, HANDLER);
    peer.socket.write(Buffer.concat([callFrame(1, { body: 'x' }), callFrame(2, { body: 'x' })]));
    await peer.answer(2);
    const bytes = hex(name);
    // Its stream may be open or used; here it is used, which is passed over, or new.
    bytes.writeUInt32BE(name === 'call.hex' ? 3 : bytes.readUInt32BE(8) === 0 ? 0 : 1, 8);
    peer.socket.write(bytes);
    peer.socket.write(callFrame(9, { body: 'after' }));
    assert.strictEqual((await peer.answer(9)).body, 'AFTER', name);
  }
  for (const name of fs.readdirSync(path.join(GOLDEN, 'broken')).filter((file) => /^(both|worker)_/.test(file))) {
    const peer = await worker(t, HANDLER);
    peer.socket.write(hex(path.join('broken', name)));
    assert.strictEqual(await peer.ended(), 70, name);
    assert.match(peer.texts.stderr, /^heeler node worker: heeler sent [^\n]+\n$/, name);
  }
});

test('frames are cut from bytes however these come', () => {
  const sent = [[T.PING, false, 0, Buffer.from([0])], [T.CALL, true, 1, Buffer.alloc(70000, 1)], [T.BYE, false, 0, Buffer.alloc(0)]];
  const bytes = Buffer.concat(sent.map((parts) => frame(...parts)));
  for (const step of [1, 7, 11, 12, 13, 64, 65536, bytes.length]) {
    const seen = [];
    const parser = new Parser((type, last, stream, buf, start, end) => seen.push([type, last, stream, Buffer.from(buf.subarray(start, end))]));
    for (let at = 0; at < bytes.length; at += step) parser.feed(Buffer.from(bytes.subarray(at, at + step)), Math.min(step, bytes.length - at));
    assert.deepStrictEqual(seen, sent, `by ${step}`);
  }
});

test('hello: version, windows, places and what it says of itself', async (t) => {
  const peer = await worker(t, HANDLER);
  assert.deepStrictEqual({ ...peer.about, file: path.basename(peer.about.file) }, { version: process.versions.node, window: 1048576, concurrency: 1000, language: 'node', style: 'hks', function: 'handle', file: 'function.js' });
  assert.strictEqual((await worker(t, HANDLER, { concurrency: 7 })).about.concurrency, 7);
  assert.strictEqual((await worker(t, { 'index.js': 'exports.handler = (e, c) => {}' })).about.concurrency, 1);
});

test('broken bytes end the worker with 70 and one line', async (t) => {
  const cases = {
    'a call on stream 0': callFrame(0),
    'a frame of 262145 bytes': Buffer.concat([u32(262145), Buffer.alloc(8)]),
    'a frame of type 99': frame(99, false, 0, Buffer.alloc(0)),
    'a frame of type 14': frame(14, false, 3, Buffer.alloc(0)),
    'a frame of type 5': frame(T.REPLY, true, 0, Buffer.alloc(0)),
    'flags 2': Buffer.from([0, 0, 0, 0, T.PING, 2, 0, 0, 0, 0, 0, 0]),
    'not zero': Buffer.from([0, 0, 0, 0, T.PING, 0, 1, 0, 0, 0, 0, 0]),
    'a call of 3 bytes': frame(T.CALL, true, 1, Buffer.alloc(3)),
    'fields go past': frame(T.CALL, true, 1, Buffer.concat([Buffer.alloc(4), u32(100), Buffer.alloc(12)])),
    'a call with': frame(T.CALL, true, 1, Buffer.concat([Buffer.alloc(4), u32(2), Buffer.alloc(12), Buffer.from('x\0')])),
    'a frame of type 3 on stream 7': frame(T.DATA, true, 7, Buffer.from('x')),
  };
  for (const [words, bytes] of Object.entries(cases)) {
    const peer = await worker(t, HANDLER);
    peer.socket.write(bytes);
    assert.strictEqual(await peer.ended(), 70, words);
    assert.match(peer.texts.stderr, new RegExp(`^heeler node worker: heeler sent .*${words}.*\n$`));
  }
});

test('more body than the window allows, and a second use of an open stream, are errors', async (t) => {
  const waiting = { 'function.js': 'exports.handle = () => new Promise(() => {});' };
  const over = await worker(t, { 'function.js': 'exports.function = (req) => {};' }, { settings: { handler_style: 'http', handler_body: 'stream' } });
  over.start({ method: 'POST', last: false });
  for (let at = 0; at < 5; at++) over.send(T.DATA, false, 1, Buffer.alloc(262144));
  assert.strictEqual(await over.ended(), 70);
  const twice = await worker(t, waiting);
  twice.socket.write(Buffer.concat([callFrame(1), callFrame(1)]));
  assert.strictEqual(await twice.ended(), 70);
  assert.match(twice.texts.stderr, /a second call on stream 1/);
});

test('frames that crossed the end of their call are passed over, unknown high types too', async (t) => {
  const peer = await worker(t, HANDLER);
  await peer.call({ body: 'x' });
  for (const type of [T.DATA, T.END, T.CANCEL, T.WINDOW]) peer.send(type, false, 1, Buffer.alloc(type === T.WINDOW ? 4 : 1));
  peer.send(200, false, 0);
  peer.send(255, true, 44);
  assert.strictEqual((await peer.call({ body: 'still' })).body, 'STILL');
});

test('stream numbers begin again from 1', async (t) => {
  const peer = await worker(t, HANDLER);
  for (const stream of [0x7ffffffe, 0x7fffffff, 1, 2]) {
    peer.socket.write(callFrame(stream, { body: 'n' }));
    assert.strictEqual((await peer.answer(stream)).body, 'N');
  }
});

test('ping: alive at once, ready while there are places, and by the hooks of the function', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.handle = () => new Promise(() => {});' }, { concurrency: 1 });
  const ask = async (question) => {
    peer.send(T.PING, false, 0, Buffer.from([question]));
    return (await peer.take(T.PONG)).payload;
  };
  assert.deepStrictEqual([...(await ask(1)).subarray(0, 2)], [1, 1]);
  peer.start();
  assert.deepStrictEqual([...(await ask(1)).subarray(0, 2)], [1, 0]);
  assert.deepStrictEqual([...(await ask(0)).subarray(0, 2)], [0, 1]);
  const func = await worker(t, { 'index.js': 'exports.handle = () => 1; exports.liveness = () => false; exports.readiness = async () => [false, "database"];' }, { settings: { handler_style: 'func' } });
  func.send(T.PING, false, 0, Buffer.from([0]));
  assert.deepStrictEqual([...(await func.take(T.PONG)).payload.subarray(0, 2)], [0, 0]);
  func.send(T.PING, false, 0, Buffer.from([1]));
  assert.match((await func.take(T.PONG)).payload.toString('latin1', 2), /^database$/);
});

test('bye: calls are finished, the stop hook runs, the end is 0', async (t) => {
  const code = `exports.handle = () => new Promise((resolve) => { globalThis.go = resolve; console.log('begun'); process.once('SIGUSR2', () => resolve('done')); }); exports.shutdown = async () => { await null; process.stderr.write('stopped\\n'); };`;
  const peer = await worker(t, { 'index.js': code }, { settings: { handler_style: 'func' } });
  peer.start();
  await peer.take(T.LOG, 1);
  peer.send(T.BYE, false, 0);
  peer.send(T.PING, false, 0, Buffer.from([1]));
  assert.strictEqual((await peer.take(T.PONG)).payload[1], 0);
  peer.child.kill('SIGUSR2');
  assert.strictEqual((await peer.answer(1)).body, 'done');
  assert.strictEqual(await peer.ended(), 0);
  assert.match(peer.texts.stderr, /stopped/);
});

test('the end of the socket ends the worker', async (t) => {
  const peer = await worker(t, { 'function.js': 'setInterval(() => {}, 1000); exports.handle = () => 1;' });
  peer.socket.end();
  assert.strictEqual(await peer.ended(), 0);
});

test('without a socket it says who starts it', async (t) => {
  const peer = new Peer({ cwd: folder(t, HANDLER), env: { HEELER_FD: '' } });
  assert.strictEqual(await peer.ended(), 70);
  assert.match(peer.texts.stderr, /HEELER_FD/);
});

test('cancel: acknowledged at once, with LAST when the code has ended', async (t) => {
  const code = `exports.function = async (req, res) => { const said = []; req.on('close', () => said.push('close')); res.on('close', () => said.push('res'));
    req.call.signal.addEventListener('abort', () => { said.push('abort'); console.log(said.sort().join()); });
    await new Promise((resolve) => process.once('SIGUSR2', resolve)); res.send('nobody'); };`;
  const peer = await worker(t, { 'function.js': code }, { settings: { handler_style: 'http' } });
  peer.start();
  peer.send(T.CANCEL, false, 1, Buffer.from([1]));
  assert.strictEqual((await peer.take(T.CANCELLED, 1)).last, false);
  const { payload } = await peer.take(T.LOG, 1);
  assert.match(payload.toString('utf8', 2), /abort/);
  peer.child.kill('SIGUSR2');
  assert.strictEqual((await peer.take(T.CANCELLED, 1)).last, true);
  assert.deepStrictEqual(peer.frames.filter((f) => f.stream === 1), []);
});

test('cancel: a function that has returned and only waits for events gives its place back', async (t) => {
  const code = `exports.function = (req, res) => { res.set('content-type', 'text/event-stream'); res.write('data: 1\\n\\n'); const timer = setInterval(() => res.write('data: 2\\n\\n'), 1000); req.on('close', () => { clearInterval(timer); console.log('closed'); }); };`;
  const peer = await worker(t, { 'function.js': code }, { settings: { handler_style: 'http' } });
  peer.start();
  await peer.take(T.REPLY, 1);
  assert.strictEqual((await peer.take(T.DATA, 1)).payload.toString(), 'data: 1\n\n');
  peer.send(T.CANCEL, false, 1, Buffer.from([0]));
  assert.strictEqual((await peer.take(T.LOG, 1)).payload.toString('utf8', 2), 'closed');
  await peer.until('CANCELLED with LAST', () => peer.frames.some((f) => f.type === T.CANCELLED && f.stream === 1 && f.last));
});

test('cancel: a call whose body had not come is over at once', async (t) => {
  const peer = await worker(t, { 'function.js': 'let n = 0; exports.handle = () => ++n;' });
  const stream = peer.start({ method: 'POST', last: false, body: 'half' });
  peer.send(T.CANCEL, false, stream, Buffer.from([0]));
  assert.strictEqual((await peer.take(T.CANCELLED, stream)).last, true);
  assert.strictEqual((await peer.call()).body, '1');
});

test('cancel: code that ends in a moment, or by the signal, never counts as running on', async (t) => {
  const code = `exports.handle = async (r) => { if (r.path === '/quick') { await null; return 'nobody'; } return new Promise((resolve) => r.signal.addEventListener('abort', resolve)); };`;
  const peer = await worker(t, { 'function.js': code });
  const streams = Array.from({ length: 60 }, (_, at) => at + 1);
  peer.socket.write(Buffer.concat([
    ...streams.map((stream) => callFrame(stream, { path: stream % 2 ? '/quick' : '/waits' })),
    ...streams.map((stream) => frame(T.CANCEL, false, stream, Buffer.from([0]))),
  ]));
  for (const stream of streams) assert.strictEqual((await peer.take(T.CANCELLED, stream)).last, true);
  assert.deepStrictEqual(peer.frames, []);
});

test('cancel: in answer to one that crossed the last frame nothing is said', async (t) => {
  const peer = await worker(t, HANDLER);
  await peer.call({ body: 'x' });
  peer.send(T.CANCEL, false, 1, Buffer.from([0]));
  assert.strictEqual((await peer.call({ body: 'y' })).body, 'Y');
  assert.deepStrictEqual(peer.frames, []);
});

test('an error that was raised is told with type, message and stack', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.handle = () => { throw new RangeError("too\\0far"); };' });
  peer.start();
  const { payload } = await peer.take(T.ERROR, 1);
  const { kind, retry, status, type, message, stack } = readError(payload);
  assert.deepStrictEqual({ kind, retry, status, type, message }, { kind: 0, retry: false, status: 0, type: 'RangeError', message: 'too\ufffdfar' });
  assert.match(stack, /function\.js:1/);
});
