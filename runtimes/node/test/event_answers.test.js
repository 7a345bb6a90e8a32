'use strict';
// Events as functions see them, in each style that has one, and answers that are events.

const { test } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { worker, folder } = require('./peer');

const PACKAGES = path.join(__dirname, '..', '..', '..', 'target', 'servers', 'node', 'node_modules');
const missing = fs.existsSync(path.join(PACKAGES, 'cloudevents')) ? false : 'the package cloudevents is not installed: scripts/servers.sh does that';
const GIVEN = {
  kind: 1, method: 'POST', attributes: { specversion: '1.0', id: '7', source: '/s', type: 'a ü%41', time: '2020-01-02T03:04:05Z' },
  headers: { 'content-type': 'application/json', 'ce-type': 'a%20%C3%BC%2541' }, body: '{"a":1}',
};
const START = "specversion: '1.0', id: '1', source: '/me', type: 'ü'";
const REQUIRED = { specversion: '1.0', id: '1', source: '/me', type: 'ü' };
const JSON_TYPE = { datacontenttype: 'application/json' };

function withPackages(t, code) {
  const root = folder(t, { 'function.js': code });
  fs.symlinkSync(PACKAGES, path.join(root, 'node_modules'));
  return root;
}

const ROWS = [
  [`{ ${START}, data: { n: 1.5 } }`, JSON_TYPE, '{"n":1.5}'],
  [`{ ${START}, data: 'text' }`, JSON_TYPE, '"text"'],
  [`{ ${START}, data: 'text', datacontenttype: 'text/plain' }`, { datacontenttype: 'text/plain' }, 'text'],
  [`{ ${START}, data: '[1.10]', datacontenttype: 'a/b+json' }`, { datacontenttype: 'a/b+json' }, '[1.10]'],
  [`{ ${START}, data: 'text', datacontenttype: 'a/json' }`, { datacontenttype: 'a/json' }, '"text"'],
  [`{ ${START}, data: Buffer.from('raw'), n: 5, yes: true, none: null, at: new Date(0) }`, { n: '5', yes: 'true', at: '1970-01-01T00:00:00.000Z' }, 'raw'],
  [`{ ${START}, data_base64: 'cmF3' }`, {}, 'raw'],
  [`{ ${START} }`, {}, ''],
  [`{ ${START}, data: Buffer.alloc(600000, 'x') }`, {}, 'x'.repeat(600000)],
];

for (const settings of [{}, { handler_style: 'func' }]) {
  test(`an answer that is an event, ${settings.handler_style ?? 'hks'}`, async (t) => {
    const results = ROWS.map(([result]) => `() => (${result})`).join();
    for (const form of ['', 'async ']) {
      const peer = await worker(t, { 'function.js': `exports.handle = ${form}(...all) => [${results}][all.at(-1).id]();` }, { settings });
      for (const [at, [result, more, body]] of ROWS.entries()) {
        const answer = await peer.call({ ...GIVEN, attributes: { ...GIVEN.attributes, id: String(at) } });
        assert.deepStrictEqual([answer.kind, answer.status, answer.attributes], [1, 200, { ...REQUIRED, ...more }], result);
        assert.ok(answer.body === body, result);
      }
    }
  });
}

test('hks: the event itself, its data as text and as its value', async (t) => {
  for (const settings of [{}, { event_data: 'parsed' }]) {
    const peer = await worker(t, { 'function.js': 'exports.handle = (event) => event;' }, { settings });
    const answer = await peer.call(GIVEN);
    assert.deepStrictEqual([answer.kind, answer.attributes, answer.body], [1, { ...GIVEN.attributes, ...JSON_TYPE }, '{"a":1}']);
  }
});

test('hks: what an event is to a function', async (t) => {
  const peer = await worker(t, { 'function.js': 'exports.handle = (e) => [e.id, e.type, e.data, typeof e.data, e.time, e.none === undefined];' });
  assert.deepStrictEqual(JSON.parse((await peer.call(GIVEN)).body), ['7', 'a ü%41', '{"a":1}', 'string', '2020-01-02T03:04:05Z', true]);
});

test('hks: ce- headers make an answer an event', async (t) => {
  const headers = "{ 'ce-specversion': '1.0', 'Ce-Id': '1', 'ce-source': '/me', 'ce-type': 't%20%C3%BC é', 'X-A': 'b', 'Content-Type': 'a/b' }";
  const code = `exports.handle = (event) => ({ statusCode: 201, headers: ${headers}, body: 'x' });`;
  const answer = await (await worker(t, { 'function.js': code })).call(GIVEN);
  assert.deepStrictEqual([answer.kind, answer.status, answer.body], [1, 201, 'x']);
  assert.deepStrictEqual(answer.attributes, { specversion: '1.0', id: '1', source: '/me', type: 't ü é' });
  assert.deepStrictEqual(answer.headers, { 'x-a': 'b', 'content-type': 'a/b' });
  for (const broken of [['/me', ''], ['%C3%BC', '%C3']]) {
    const plain = await (await worker(t, { 'function.js': code.replace(...broken) })).call(GIVEN);
    assert.deepStrictEqual([plain.kind, plain.headers['ce-specversion'], plain.status], [0, '1.0', 201]);
  }
});

test('hks: objects that are no events stay JSON', async (t) => {
  for (const result of ["{ specversion: '1.0' }", `{ ${START}, more: {} }`, `[{ ${START} }]`]) {
    const answer = await (await worker(t, { 'function.js': `exports.handle = () => (${result});` })).call(GIVEN);
    assert.deepStrictEqual([answer.kind, answer.headers['content-type']], [0, 'application/json']);
  }
});

test('func: an event of the package where it is installed, in and out', { skip: missing }, async (t) => {
  const code = `const { CloudEvent } = require('cloudevents');
    exports.handle = (context, event) => new CloudEvent({ source: '/me', type: event.type, data: [event instanceof CloudEvent, event.data] });`;
  const answer = await (await worker(t, withPackages(t, code), { settings: { handler_style: 'func' } })).call(GIVEN);
  assert.deepStrictEqual([answer.kind, answer.attributes.type, answer.attributes.source, answer.body], [1, 'a ü%41', '/me', '[true,{"a":1}]']);
  const hks = await (await worker(t, withPackages(t, code.replace('(context, event)', '(event)')))).call(GIVEN);
  assert.deepStrictEqual([hks.kind, hks.attributes.type, hks.body], [1, 'a ü%41', '[false,"{\\"a\\":1}"]']);
});

test('functions framework: data that is not what it says is the caller\'s mistake', async (t) => {
  const code = "require('@google-cloud/functions-framework').cloudEvent('ce', () => { console.log('called'); });";
  const { status, logs } = await (await worker(t, { 'function.js': code }, { env: { FUNCTION_TARGET: 'ce' } })).call({ ...GIVEN, body: '{broken' });
  assert.deepStrictEqual([status, logs.map(({ level }) => level)], [400, [2]]);
});

test('a list of events answers a batch', async (t) => {
  const fields = Buffer.from('specversion\x001.0\0id\x007\0source\0/s\0type\0t\0');
  const body = Buffer.concat([Buffer.from([0, 0, 0, fields.length, 0, 0, 0, 0]), fields]);
  const list = `(...all) => all.flat().filter((e) => e.id === '7').map((e) => ({ ...e, source: '/me', data: { n: 1.5 } }))`;
  const told = '[{"specversion":"1.0","id":"7","source":"/me","type":"t","datacontenttype":"application/json","data":{"n":1.5}}]';
  for (const [code, options] of [
    [`exports.handle = ${list};`, {}],
    [`exports.handle = ${list};`, { settings: { handler_style: 'func' } }],
    [`require('@google-cloud/functions-framework').cloudEvent('ce', ${list});`, { env: { FUNCTION_TARGET: 'ce' } }],
    [`require('@google-cloud/functions-framework').cloudEvent('ce', (e, done) => done(null, (${list})(e)));`, { env: { FUNCTION_TARGET: 'ce' } }],
  ]) {
    const peer = await worker(t, { 'function.js': code }, options);
    const call = { kind: 2, method: 'POST', count: 1, headers: { 'content-type': 'application/cloudevents-batch+json' }, body };
    const answer = await peer.call(call);
    assert.deepStrictEqual([answer.kind, answer.headers['content-type'], answer.body], [0, 'application/cloudevents-batch+json', told]);
    assert.strictEqual((await peer.call(call)).body, told);
  }
  const mixed = await worker(t, { 'function.js': `exports.handle = (events) => [events[0], { index: 1, status: 500 }];` });
  const answer = await mixed.call({ kind: 2, method: 'POST', count: 1, body });
  assert.deepStrictEqual([answer.headers['content-type'], JSON.parse(answer.body)[1]], ['application/json', { index: 1, status: 500 }]);
});
