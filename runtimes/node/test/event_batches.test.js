'use strict';
// Batches of events: wire kind 2, built by hand, and what each style makes of one.

const { test } = require('node:test');
const assert = require('node:assert');
const { worker, callFrame, frame, T } = require('./peer');

const JSON_TYPE = 'application/json';
const BATCH = 'application/cloudevents-batch+json';
const HEADERS = { 'content-type': `${BATCH}; charset=utf-8`, 'content-length': '7', 'x-a': 'b' };

function event(id, data = '', more = {}) {
  const attributes = { specversion: '1.0', id: String(id), source: '/s', type: 't', ...more };
  const fields = Buffer.from(Object.entries(attributes).flat().map((text) => `${text}\0`).join(''));
  const bytes = Buffer.from(data);
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(fields.length);
  sizes.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([sizes, fields, bytes]);
}

/** An event of each kind of data. */
const EVENTS = [
  event(1, ' {"n":1.10} ', { datacontenttype: JSON_TYPE }),
  event(2, 'é', { datacontenttype: 'text/plain', subject: 'ü %41' }),
  event(3, Buffer.from([255]), { datacontenttype: 'image/png' }),
  event(4),
];

function batch(events, more = {}) {
  return { kind: 2, method: 'POST', headers: HEADERS, count: events.length, body: Buffer.concat(events), ...more };
}

/** The same call with its body in three frames; its stream. */
function cut(peer, call) {
  const stream = peer.nextStream++;
  const third = Math.ceil(call.body.length / 3);
  peer.socket.write(Buffer.concat([
    callFrame(stream, { ...call, body: call.body.subarray(0, third), last: false, length: call.body.length }),
    frame(T.DATA, false, stream, call.body.subarray(third, 2 * third)),
    frame(T.DATA, true, stream, call.body.subarray(2 * third)),
  ]));
  return stream;
}

const SEEN = [['1', null, '{"n":1.10}'], ['2', 'ü %41', 'é'], ['3', null, '/w=='], ['4', null, '']];
const LISTS = [
  ['hks', { code: "exports.handle = (events) => events.map((e) => [e.id, e.subject ?? null, e.data.trim()]);" }, SEEN],
  ['event', { settings: { handler_style: 'event', event_data: 'parsed' }, code: "exports.handle = async (events) => events.map((e) => [e.id, e.data]);" }, [['1', { n: 1.1 }], ['2', 'é'], ['3', '/w=='], ['4', '']]],
  ['functions framework, cloudevent', { env: { FUNCTION_TARGET: 'ce' }, code: "require('@google-cloud/functions-framework').cloudEvent('ce', (events) => events.map((e) => [e.id, e.data ?? null]));" }, [['1', { n: 1.1 }], ['2', 'é'], ['3', { type: 'Buffer', data: [255] }], ['4', null]]],
  ['func', { settings: { handler_style: 'func' }, code: "exports.handle = (context, events) => [events === context.cloudevents, context.cloudevent ?? null, context.body ?? null, events.map((e) => [e.id, e.data ?? null])];" },
    [true, null, null, [['1', { n: 1.1 }], ['2', 'é'], ['3', { type: 'Buffer', data: [255] }], ['4', null]]]],
];

for (const [name, { code, settings, env }, seen] of LISTS) {
  test(`${name}: a batch is a list`, async (t) => {
    const peer = await worker(t, { 'function.js': code }, { settings, env });
    for (const answer of [await peer.call(batch(EVENTS)), await peer.answer(cut(peer, batch(EVENTS)))]) {
      assert.deepStrictEqual([answer.status, answer.body && JSON.parse(answer.body)], [200, seen], JSON.stringify(answer.error));
      assert.match(answer.headers['content-type'], /^application\/json/);
    }
    assert.strictEqual((await peer.call(batch([]))).status, 200);
  });
}

test('the bytes of a call of two events', async (t) => {
  const head = Buffer.from('POST\0/\0\0http\0\0id\0');
  const attributes = Buffer.from('specversion\x001.0\0id\x00a\0source\0/s\0type\0t\0');
  const body = Buffer.concat([Buffer.from([0, 0, 0, 38, 0, 0, 0, 2]), attributes, Buffer.from('hi'), Buffer.from([0, 0, 0, 38, 0, 0, 0, 0]), attributes]);
  const call = Buffer.from([2, 11, 0, 2, 0, 0, 0, head.length, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, body.length]);
  const peer = await worker(t, { 'function.js': 'exports.handle = (events) => events.map((e) => [e.id, e.source, e.data, Object.keys(e).length]);' });
  peer.send(T.CALL, true, 1, Buffer.concat([call, head, body]));
  assert.strictEqual((await peer.answer(1)).body, '[["a","/s","hi",5],["a","/s","",5]]');
});

test('functions framework, event: one at a time', async (t) => {
  const peer = await worker(t, { 'function.js': "exports.bg = (data) => { console.log('called'); };" }, { env: { FUNCTION_TARGET: 'bg', FUNCTION_SIGNATURE_TYPE: 'event' } });
  const { error, logs } = await peer.call(batch(EVENTS));
  assert.deepStrictEqual([error.kind, error.status, logs], [0, 415, []]);
  assert.match(error.message, /batch=split/);
});

const ARRAY = '[{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/json","data":{"n":1.10}},'
  + '{"specversion":"1.0","id":"2","source":"/s","type":"t","datacontenttype":"text/plain","subject":"ü %41","data":"é"},'
  + '{"specversion":"1.0","id":"3","source":"/s","type":"t","datacontenttype":"image/png","data_base64":"/w=="},'
  + '{"specversion":"1.0","id":"4","source":"/s","type":"t"}]';
const REQUESTS = [
  ['request', {}, 'exports.handle = (r) => [r.headers, r.body];'],
  ['http', {}, 'exports.handle = (req, res) => res.json([req.headers, req.rawBody.toString()]);'],
  ['openfaas', { RAW_BODY: 'true' }, 'exports.handle = (event, context) => [event.headers, event.body.toString()];'],
  ['lambda', {}, 'exports.handle = async (event) => [event.headers, event.body];'],
  ['kubeless', {}, 'exports.handle = (event) => [event.extensions.request.headers, null, event.data.length];'],
];

for (const [style, env, code] of REQUESTS) {
  test(`${style}: a batch is a request with a JSON array`, async (t) => {
    const peer = await worker(t, { 'function.js': code }, { settings: { handler_style: style }, env });
    for (const answer of [await peer.call(batch(EVENTS)), await peer.answer(cut(peer, batch(EVENTS)))]) {
      const [headers, body, count] = JSON.parse(answer.body);
      assert.deepStrictEqual(headers, { 'content-type': BATCH, 'content-length': String(Buffer.byteLength(ARRAY)), 'x-a': 'b' });
      assert.deepStrictEqual([body ?? ARRAY, count ?? 4], [ARRAY, 4]);
    }
  });
}

test('a function that reads its request as a stream', async (t) => {
  const code = "exports.handle = (req, res) => { const all = []; req.on('data', (d) => all.push(d)).on('end', () => res.end(Buffer.concat(all))); };";
  const peer = await worker(t, { 'function.js': code }, { settings: { handler_style: 'http', handler_body: 'stream' } });
  assert.strictEqual((await peer.call(batch(EVENTS))).body, ARRAY);
  assert.strictEqual((await peer.answer(cut(peer, batch(EVENTS)))).body, ARRAY);
});

test('data as it was in an array', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.handle = (r) => r.body;' }, { settings: { handler_style: 'request' } });
  for (const [data, more, written] of [
    ['[1e999, 1.0]', {}, '"data":[1e999, 1.0]'], ['null', {}, '"data":null'], ['text', {}, '"data_base64":"dGV4dA=="'], ['NaN', {}, '"data_base64":"TmFO"'],
    ['\ufeff1', {}, '"data_base64":"77u/MQ=="'], ['{broken', { datacontenttype: 'a/b+json' }, '"data_base64":"e2Jyb2tlbg=="'],
    ['"x"', { datacontenttype: 'Application/JSON; charset=utf-8' }, '"data":"x"'], ['<a/>', { datacontenttype: 'image/svg+xml' }, '"data":"<a/>"'],
    ['1', { datacontenttype: 'text/plain' }, '"data":"1"'], ['x', { datacontenttype: 'text/plain; charset=latin-1' }, '"data_base64":"eA=="'],
    [Buffer.from([255]), { datacontenttype: 'text/plain' }, '"data_base64":"/w=="'],
  ]) {
    const { body } = await peer.call(batch([event(1, data, more)]));
    assert.ok(body.endsWith(`,${written}}]`), body);
  }
});

test('a batch whose lengths do not add up ends the worker', async (t) => {
  const whole = event(1, 'hi');
  const rows = [
    [whole, 0], [whole, 2], [whole.subarray(0, -1), 1], [Buffer.concat([whole, Buffer.from('x')]), 1], [whole.subarray(0, 7), 1], [Buffer.alloc(0), 1],
    [Buffer.from([0, 0, 0, 2, 0, 0, 0, 0, 97, 98]), 1], [Buffer.from([0, 0, 0, 2, 0, 0, 0, 0, 97, 0]), 1], [Buffer.alloc(8, 255), 1],
  ];
  for (const [body, count] of rows) {
    for (const send of [(peer, call) => peer.start(call), cut]) {
      const peer = await worker(t, { 'function.js': 'exports.handle = () => 1;' });
      send(peer, batch([], { body, count }));
      assert.strictEqual(await peer.ended(), 70, peer.texts.stderr);
      assert.match(peer.texts.stderr, /heeler sent/);
    }
  }
});
