'use strict';
// Bodies that flow: both ways, under windows, at constant memory, and cut where they are cut.

const { test } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { T, worker } = require('./peer');

const MIB = 1024 * 1024;
const LARGE = Number(process.env.HEELER_TEST_MIB ?? 256) * MIB;
const HTTP = { handler_style: 'http', handler_body: 'stream' };

function rss(peer) {
  return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${peer.child.pid}/status`, 'utf8'))[1]) / 1024;
}

/** Sends a body under the worker's window; gives its hash. */
async function upload(peer, stream, bytes, piece = Buffer.alloc(200000, 7)) {
  const hash = crypto.createHash('sha256');
  let room = peer.about.window;
  for (let sent = 0; sent < bytes;) {
    const part = piece.subarray(0, Math.min(piece.length, bytes - sent));
    while (room < part.length) room += (await peer.take(T.WINDOW, stream)).payload.readUInt32BE(0);
    room -= part.length;
    sent += part.length;
    hash.update(part);
    peer.send(T.DATA, sent === bytes, stream, part);
  }
  return hash.digest('hex');
}

test('a large body in is read at constant memory', async (t) => {
  const code = `exports.function = (req, res) => { const hash = require('node:crypto').createHash('sha256'); let n = 0; req.on('data', (b) => { n += b.length; hash.update(b); }).on('end', () => res.json([n, hash.digest('hex')])); };`;
  const peer = await worker(t, { 'function.js': code }, { settings: HTTP });
  const stream = peer.start({ method: 'POST', last: false });
  const hash = await upload(peer, stream, LARGE);
  assert.deepStrictEqual(JSON.parse((await peer.answer(stream)).body), [LARGE, hash]);
  assert.ok(rss(peer) < 200, `${rss(peer)} MiB`);
});

test('a large body out waits for windows, at constant memory', async (t) => {
  const code = `const piece = Buffer.alloc(100000, 3); const { pipeline, Readable } = require('node:stream');
    exports.function = (req, res) => { let left = ${LARGE}; pipeline(new Readable({ read() { const n = Math.min(left, piece.length); left -= n; this.push(n ? piece.subarray(0, n) : null); } }), res, () => {}); };`;
  const peer = await worker(t, { 'function.js': code }, { settings: HTTP, window: 65536 });
  const stream = peer.start();
  let got = 0;
  let most = 0;
  let unasked = 0;
  for (;;) {
    const next = await peer.until('a frame', () => peer.frames.shift());
    if (next.type === T.END) break;
    if (next.type === T.REPLY) continue;
    assert.strictEqual(next.type, T.DATA);
    got += next.payload.length;
    unasked += next.payload.length;
    most = Math.max(most, unasked);
    if (unasked < 65536 && got < LARGE) continue;
    peer.grant(stream, unasked);
    unasked = 0;
  }
  assert.strictEqual(got, LARGE);
  assert.ok(most <= 65536, `${most} bytes in a window of 65536`);
  assert.ok(rss(peer) < 200, `${rss(peer)} MiB`);
});

test('both ways at once: an echo', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.function = (req, res) => { req.pipe(res); };' }, { settings: HTTP });
  const stream = peer.start({ method: 'POST', last: false });
  const answer = peer.until('an echo', () => {
    for (;;) {
      const at = peer.frames.findIndex((f) => f.type === T.DATA);
      if (at < 0) break;
      const [{ payload }] = peer.frames.splice(at, 1);
      peer.echoed = (peer.echoed ?? crypto.createHash('sha256')).update(payload);
      peer.grant(stream, payload.length);
    }
    return peer.frames.some((f) => f.type === T.END);
  });
  const hash = await upload(peer, stream, 8 * MIB);
  await answer;
  assert.strictEqual(peer.echoed.digest('hex'), hash);
});

test('a reply larger than the window, and one that is larger than a frame, come whole', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.handle = (r) => "é".repeat(Number(r.get("n")));' }, { window: 65536 });
  for (const n of [10, 32768, 32769, 140000, 2000000]) {
    assert.strictEqual((await peer.call({ query: `n=${n}` })).body, 'é'.repeat(n), String(n));
  }
});

test('a body that comes in pieces is whole for functions that want it whole', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.handle = (r) => String(r.rawBody.length);' });
  const stream = peer.start({ method: 'POST', last: false, body: 'x'.repeat(10) });
  await upload(peer, stream, 5 * MIB);
  assert.strictEqual((await peer.answer(stream)).body, String(5 * MIB + 10));
});

test('an answer before the body is read: the rest is taken and dropped', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.function = (req, res) => { res.status(413).end("no"); };' }, { settings: HTTP });
  const stream = peer.start({ method: 'POST', last: false });
  assert.strictEqual((await peer.answer(stream)).status, 413);
  await upload(peer, stream, 4 * MIB);
  assert.strictEqual((await peer.call()).status, 413);
});

test('a slow reader stalls its own call alone', async (t) => {
  const code = 'exports.function = (req, res) => { if (req.path === "/fast") return res.end("fast"); const more = () => { while (res.write(Buffer.alloc(60000))); res.once("drain", more); }; more(); };';
  const peer = await worker(t, { 'function.js': code }, { settings: HTTP, window: 65536 });
  const slow = peer.start();
  await peer.take(T.DATA, slow);
  for (let n = 0; n < 20; n++) assert.strictEqual((await peer.call({ path: '/fast' })).body, 'fast');
  peer.grant(slow, 60000);
  await peer.take(T.DATA, slow);
});

test('server-sent events leave as they are written', async (t) => {
  const code = 'exports.function = async (req, res) => { res.type("text/event-stream"); res.flushHeaders(); await new Promise((r) => process.once("SIGUSR2", r)); res.write("data: 1\\n\\n"); await new Promise((r) => process.once("SIGUSR2", r)); res.end("data: 2\\n\\n"); };';
  const peer = await worker(t, { 'function.js': code }, { settings: HTTP });
  const stream = peer.start();
  assert.strictEqual((await peer.take(T.REPLY, stream)).last, false);
  peer.child.kill('SIGUSR2');
  assert.strictEqual((await peer.take(T.DATA, stream)).payload.toString(), 'data: 1\n\n');
  peer.child.kill('SIGUSR2');
  assert.strictEqual((await peer.take(T.DATA, stream)).payload.toString(), 'data: 2\n\n');
  await peer.take(T.END, stream);
});

test('generators of HKS functions flow too', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.handle = async () => ({ statusCode: 200, headers: { "content-type": "text/x" }, body: (async function* () { for (let n = 0; n < 3; n++) yield `piece ${n};`; })() });' });
  const answer = await peer.call();
  assert.deepStrictEqual([answer.status, answer.headers['content-type'], answer.body], [200, 'text/x', 'piece 0;piece 1;piece 2;']);
});

test('trailers come behind the body', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.function = (req, res) => { res.setHeader("trailer", "x-sum"); res.write("body"); res.addTrailers({ "X-Sum": "1" }); res.end(); };' }, { settings: HTTP });
  const answer = await peer.call();
  assert.deepStrictEqual([answer.body, answer.trailers], ['body', { 'x-sum': '1' }]);
});
