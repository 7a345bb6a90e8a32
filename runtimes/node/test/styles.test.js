'use strict';
// Every style: what a function gets, and what becomes of what it returns.

const { test } = require('node:test');
const assert = require('node:assert');
const { worker } = require('./peer');

const JSON_TYPE = { 'content-type': 'application/json' };
const EVENT = { kind: 1, method: 'POST', attributes: { id: '1', source: '/s', type: 't', specversion: '1.0', extra: 'é' }, headers: JSON_TYPE, body: '{"d":1}' };
const STRUCTURED = { ...EVENT, headers: { 'content-type': 'application/cloudevents+json' }, attributes: { ...EVENT.attributes, datacontenttype: 'application/json' } };

/** [name, { file, code, settings, env }, [[call, expected parts of the answer] …]] */
const TABLE = [
  ['hks: a request as an object', { code: `exports.handle = (r) => ({ statusCode: 201, headers: { 'X-A': 'b' }, body: { m: r.method, p: r.path, q: r.query, n: r.get('name'), none: r.get('none', 'd'), own: r.get('method'), b: r.get('body', 'no body'), j: r.json(), h: r.headers.host ?? null, d: r.data } });` }, [
    [{ path: '/p', query: 'name=Ada&x=1', headers: { host: 'h' } }, { status: 201, headers: { 'x-a': 'b', 'content-type': 'application/json' }, json: { m: 'GET', p: '/p', q: { name: 'Ada', x: '1' }, n: 'Ada', none: 'd', own: 'GET', b: 'no body', j: null, h: 'h', d: '' } }],
    [{ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: '{"name":"Eve","method":"X"}' }, { json: { m: 'POST', p: '/', q: {}, n: 'Eve', none: 'd', own: 'POST', b: '{"name":"Eve","method":"X"}', j: { name: 'Eve', method: 'X' }, h: null, d: '{"name":"Eve","method":"X"}' } }],
  ]],
  ['hks: a CloudEvent', { code: `module.exports.handle = async (event) => ({ statusCode: 200, body: { type: event.type, d: JSON.parse(event.data), extra: event.extra } });` }, [
    [EVENT, { json: { type: 't', d: { d: 1 }, extra: 'é' } }],
  ]],
  ['hks: results', { code: `const results = { text: 'text', none: undefined, nil: null, object: { a: 1 }, number: 7, list: [1], yes: true, bytes: Buffer.from([1, 255]), no_body: { statusCode: 202, a: 1 }, bare: { statusCode: 204 }, base64: { statusCode: 200, body: 'AQI=', isBase64Encoded: true, headers: { 'content-type': 'image/x' } }, raw: { statusCode: 200, body: Buffer.from([3]) }, many: { statusCode: '200', headers: { 'set-cookie': ['a', 'b'] }, body: 'x' } };
      exports.handle = (r) => results[r.path.slice(1)];` }, [
    [{ path: '/text' }, { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'text' }],
    [{ path: '/none' }, { status: 200, headers: {}, body: '' }],
    [{ path: '/nil' }, { status: 200, headers: {}, body: '' }],
    [{ path: '/object' }, { headers: { 'content-type': 'application/json' }, json: { a: 1 } }],
    [{ path: '/number' }, { json: 7 }], [{ path: '/list' }, { json: [1] }], [{ path: '/yes' }, { json: true }],
    [{ path: '/bytes' }, { headers: { 'content-type': 'application/octet-stream' }, hex: '01ff' }],
    [{ path: '/no_body' }, { status: 202, json: { a: 1 } }],
    [{ path: '/bare' }, { status: 204, headers: {}, body: '' }],
    [{ path: '/base64' }, { headers: { 'content-type': 'image/x' }, hex: '0102' }],
    [{ path: '/raw' }, { headers: { 'content-type': 'application/octet-stream' }, hex: '03' }],
    [{ path: '/many' }, { headers: { 'set-cookie': ['a', 'b'], 'content-type': 'text/plain; charset=utf-8' }, body: 'x' }],
  ]],
  ['event: a request as an event', { settings: { handler_style: 'event' }, code: `exports.handle = (e) => e;` }, [
    [{ method: 'POST', path: '/x', headers: JSON_TYPE, body: '{"a":1}' }, { json: { id: 'id-1', source: '/x', type: 'http.request', data: '{"a":1}', datacontenttype: 'application/json' } }],
    [{ method: 'POST', headers: JSON_TYPE, body: '{"type":"t","data":{"k":1},"own":2}' }, { json: { type: 't', data: { k: 1 }, own: 2 } }],
    [{ method: 'POST', headers: { 'content-type': 'image/png' }, body: Buffer.from([255, 0]) }, { json: { id: 'id-3', source: '/', type: 'http.request', data: '/wA=', datacontenttype: 'image/png' } }],
  ]],
  ['event: data parsed', { settings: { event_data: 'parsed' }, code: `exports.handle = (e) => ({ statusCode: 200, body: e.data });` }, [[EVENT, { json: { d: 1 } }]]],
  ['request: an event as a request', { settings: { handler_style: 'request' }, code: `exports.handle = (r) => r.get('d');` }, [[EVENT, { json: 1 }]]],
  ['lambda: the proxy event', { settings: { handler_style: 'lambda' }, code: `exports.handler = async (e, c) => ({ statusCode: 200, body: JSON.stringify({ v: e.version, p: e.rawPath, path: e.path, q: e.queryStringParameters ?? null, mq: e.multiValueQueryStringParameters, m: e.requestContext.http.method, hm: e.httpMethod, b: e.body ?? null, e: e.isBase64Encoded, c: e.cookies, h: e.headers, mh: e.multiValueHeaders, id: c.awsRequestId, ms: c.getRemainingTimeInMillis() > 0, ip: e.requestContext.http.sourceIp }) });` }, [
    [{ path: '/a%20b', query: 'x=1&x=2&y=%20', headers: [['cookie', 'a=1; b=2'], ['x', '1'], ['x', '2']], deadlineMs: 5000 },
      { headers: { 'content-type': 'application/json' }, json: { v: '2.0', p: '/a%20b', path: '/a b', q: { x: '1,2', y: ' ' }, mq: { x: ['1', '2'], y: [' '] }, m: 'GET', hm: 'GET', b: null, e: false, c: ['a=1', 'b=2'], h: { cookie: 'a=1; b=2', x: '1,2' }, mh: { cookie: ['a=1; b=2'], x: ['1', '2'] }, id: 'id-1', ms: true, ip: '127.0.0.1' } }],
    [{ method: 'POST', headers: { 'content-type': 'image/png' }, body: Buffer.from([255]) }, { json: { v: '2.0', p: '/', path: '/', q: null, mq: null, m: 'POST', hm: 'POST', b: '/w==', e: true, c: [], h: { 'content-type': 'image/png' }, mh: { 'content-type': ['image/png'] }, id: 'id-2', ms: true, ip: '127.0.0.1' } }],
  ]],
  ['lambda: ways to answer', { settings: { handler_style: 'lambda' }, code: `exports.handler = (e, c, done) => { switch (e.rawPath) {
      case '/callback': return void setImmediate(done, null, { statusCode: 201, body: 'cb' });
      case '/succeed': return void c.succeed('s');
      case '/fail': return void c.fail(new Error('no'));
      case '/done': return void c.done(null, { statusCode: 202 });
      case '/promise': return Promise.resolve({ a: 1 });
      case '/nothing': return Promise.resolve();
      case '/throw': throw new Error('secret');
      case '/reject': return Promise.reject(new Error('secret'));
      case '/malformed': return Promise.resolve({ statusCode: 'abc', body: '' });
      case '/object': return Promise.resolve({ statusCode: 200, body: { no: 'text' } });
      case '/cookies': return Promise.resolve({ statusCode: 200, cookies: ['a=1', 'b=2'], multiValueHeaders: { 'X-M': ['1', '2'] }, body: 'c' });
    } };` }, [
    [{ path: '/callback' }, { status: 201, body: 'cb' }], [{ path: '/succeed' }, { status: 200, headers: { 'content-type': 'application/json' }, body: 's' }],
    [{ path: '/fail' }, { status: 502, json: { message: 'Internal Server Error' } }], [{ path: '/done' }, { status: 202, body: '' }],
    [{ path: '/promise' }, { status: 200, json: { a: 1 } }], [{ path: '/nothing' }, { status: 200, body: '' }],
    [{ path: '/throw' }, { status: 502, json: { message: 'Internal Server Error' } }], [{ path: '/reject' }, { status: 502 }],
    [{ path: '/malformed' }, { status: 502 }], [{ path: '/object' }, { status: 502 }],
    [{ path: '/cookies' }, { headers: { 'set-cookie': ['a=1', 'b=2'], 'x-m': ['1', '2'], 'content-type': 'application/json' }, body: 'c' }],
  ]],
  ['lambda: by the file alone', { file: 'index.js', code: `exports.handler = async (event, context) => ({ statusCode: 200, body: context.functionName });`, env: { AWS_LAMBDA_FUNCTION_NAME: 'fn' } }, [[{}, { body: 'fn' }]]],
  ['lambda: _HANDLER with a folder and a dotted name', { file: 'src/app.js', code: `exports.a = { b: async () => 'deep' };`, env: { _HANDLER: 'src/app.a.b' } }, [[{}, { body: 'deep' }]]],
  ['lambda: an event', { settings: { handler_style: 'lambda' }, code: `exports.handler = async (e) => e;` }, [[EVENT, { json: { id: '1', source: '/s', type: 't', specversion: '1.0', extra: 'é', datacontenttype: 'application/json', data: { d: 1 } } }]]],
  ['lambda: a stream', { settings: { handler_style: 'lambda' }, code: `exports.handler = awslambda.streamifyResponse(async (e, out, c) => { const s = awslambda.HttpResponseStream.from(out, { statusCode: 203, headers: { 'x-s': '1' }, cookies: ['c=1'] }); s.write('one '); s.write('two'); s.end(); });` }, [
    [{}, { status: 203, headers: { 'x-s': '1', 'set-cookie': 'c=1', 'content-type': 'application/octet-stream' }, body: 'one two' }],
  ]],
  ['kubeless: event and context', { file: 'mod.js', env: { MOD_NAME: 'mod', FUNC_HANDLER: 'f', FUNC_TIMEOUT: '9' }, code: `exports.f = (event, context) => ({ data: event.data, id: event['event-id'] ?? null, type: event['event-type'] ?? null, fn: context['function-name'], t: context.timeout, m: event.extensions.request.method });` }, [
    [{ method: 'POST', headers: { ...JSON_TYPE, 'event-id': 'e', 'event-type': 'y' }, body: '{"a":1}' }, { headers: { 'content-type': 'application/json; charset=utf-8' }, json: { data: { a: 1 }, id: 'e', type: 'y', fn: 'f', t: 9, m: 'POST' } }],
    [{ method: 'POST', body: 'text' }, { json: { data: 'text', id: null, type: null, fn: 'f', t: 9, m: 'POST' } }],
    [{}, { json: { data: {}, id: null, type: null, fn: 'f', t: 9, m: 'GET' } }],
    [{ method: 'POST', headers: JSON_TYPE, body: '{' }, { status: 400 }],
    [EVENT, { json: { data: { d: 1 }, id: '1', type: 't', fn: 'f', t: 9, m: 'POST' } }],
    [{ method: 'OPTIONS' }, { status: 200, body: '' }],
  ]],
  ['kubeless: results and the module itself', { file: 'mod.js', env: { MOD_NAME: 'mod', FUNC_HANDLER: 'f' }, code: `module.exports = async (event) => { const r = { text: 't', none: undefined, nil: null, n: 5 }; if (event.data === 'own') return void event.extensions.response.status(201).send('own'); if (event.data === 'throw') throw new Error('x'); return r[event.data]; };` }, [
    [{ method: 'POST', body: 'text' }, { status: 200, body: 't' }], [{ method: 'POST', body: 'none' }, { status: 200, body: '' }],
    [{ method: 'POST', body: 'nil' }, { body: 'null' }], [{ method: 'POST', body: 'n' }, { body: '5' }], [{ method: 'POST', body: 'own' }, { status: 201, body: 'own' }],
    [{ method: 'POST', body: 'throw' }, { error: { kind: 0, type: 'Error', message: 'x' } }],
  ]],
  ['openfaas: event and context', { file: 'handler.js', code: `module.exports = async (event, context) => context.status(201).headers({ 'X-O': 'f' }).succeed({ b: event.body, m: event.method, p: event.path, q: event.query, ct: event.headers['content-type'] ?? null, s: context.status() });` }, [
    [{ path: '/p', query: 'a=1&b=2&b=3' }, { status: 201, headers: { 'x-o': 'f', 'content-type': 'application/json; charset=utf-8' }, json: { b: {}, m: 'GET', p: '/p', q: { a: '1', b: ['2', '3'] }, ct: null, s: 201 } }],
    [{ method: 'POST', body: 'plain' }, { json: { b: 'plain', m: 'POST', p: '/', q: {}, ct: null, s: 201 } }],
    [{ method: 'POST', headers: JSON_TYPE, body: '[1]' }, { json: { b: [1], m: 'POST', p: '/', q: {}, ct: 'application/json', s: 201 } }],
    [{ method: 'POST', headers: JSON_TYPE, body: '[' }, { status: 400 }],
    [{ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' }, { json: { b: { a: '1' }, m: 'POST', p: '/', q: {}, ct: 'application/x-www-form-urlencoded', s: 201 } }],
  ]],
  ['openfaas: ways to answer', { file: 'function/handler.js', code: `module.exports = async (event, context) => { switch (event.path) { case '/value': return 'v'; case '/nothing': return; case '/fail': return context.fail('failed'); case '/fail-status': return context.status(422).fail(new Error('bad')); case '/throw': throw new Error('x'); case '/bytes': return Buffer.from([1]); } };` }, [
    [{ path: '/value' }, { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: 'v' }], [{ path: '/nothing' }, { status: 200, body: '' }],
    [{ path: '/fail' }, { status: 500, body: 'failed' }], [{ path: '/fail-status' }, { status: 422, body: 'Unprocessable Entity' }],
    [{ path: '/throw' }, { error: { kind: 0, message: 'x' } }], [{ path: '/bytes' }, { hex: '01' }],
  ]],
  ['openfaas: a callback', { file: 'handler.js', code: `module.exports = (event, context, callback) => { setImmediate(() => event.path === '/e' ? callback(new Error('cb')) : callback(undefined, { ok: true })); };` }, [[{}, { json: { ok: true } }], [{ path: '/e' }, { status: 500, body: 'Internal Server Error' }]]],
  ['openfaas: raw bodies', { file: 'handler.js', env: { RAW_BODY: 'true' }, code: `module.exports = async (event) => event.body.toString('hex');` }, [[{ method: 'POST', body: Buffer.from([9, 255]) }, { body: '09ff' }]]],
  ['func: context and data', { file: 'index.js', settings: { handler_style: 'func' }, code: `exports.handle = function (context, data) { return { body: { data: data ?? null, q: context.query, m: context.method, h: context.headers.host ?? null, a: context.a ?? null, me: Object.isFrozen(this), ce: Boolean(context.cloudevent) } }; };` }, [
    [{ query: 'a=1&method=X', headers: { host: 'h' } }, { status: 200, headers: { 'content-type': 'application/json', 'access-control-allow-origin': '*' }, json: { data: null, q: { a: '1', method: 'X' }, m: 'GET', h: 'h', a: '1', me: true, ce: false } }],
    [{ method: 'POST', headers: JSON_TYPE, body: '{"x":1}' }, { json: { data: { x: 1 }, q: {}, m: 'POST', h: null, a: null, me: true, ce: false } }],
  ]],
  ['func: results', { file: 'index.js', settings: { handler_style: 'func' }, code: `exports.handle = async (context) => { switch (context.query.r) { case 'text': return 't'; case 'object': return { a: 1 }; case 'full': return { statusCode: 201, headers: { 'X-F': '1' }, body: 'b' }; case 'event': return { specversion: '1.0', id: 'i', type: 'ü t', source: '/o', data: { a: 1 } }; case 'made': return context.cloudEventResponse('d').type('mine').id('9').source('/m'); case 'code': throw Object.assign(new Error('gone'), { code: 410 }); case 'enoent': throw Object.assign(new Error('file'), { code: 'ENOENT' }); } };` }, [
    [{ query: 'r=none' }, { status: 204, body: '' }], [{ query: 'r=text' }, { headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 't' }],
    [{ query: 'r=object' }, { json: { a: 1 } }], [{ query: 'r=full' }, { status: 201, headers: { 'x-f': '1' }, body: 'b' }],
    [{ query: 'r=event' }, { attributes: { id: 'i', type: 'ü t', source: '/o', specversion: '1.0', datacontenttype: 'application/json' }, json: { a: 1 } }],
    [{ query: 'r=made' }, { attributes: { specversion: '1.0', type: 'mine', id: '9', source: '/m', datacontenttype: 'application/json' }, body: '"d"' }],
    [{ query: 'r=code' }, { status: 410, body: 'Gone' }], [{ query: 'r=enoent' }, { status: 500, body: 'Internal Server Error' }], [{ method: 'OPTIONS' }, { status: 200, body: '' }],
  ]],
  ['func: a query does not overwrite what a context has', { file: 'index.js', settings: { handler_style: 'func' }, code: `exports.handle = (context) => ({ body: { own: context.own, m: context.method, l: typeof context.log.info, r: typeof context.cloudEventResponse, s: context.signal.aborted, q: context.query } });` }, [
    [{ query: 'own=1&method=X&log=2&cloudEventResponse=3&signal=4' }, { status: 200, json: { own: '1', m: 'GET', l: 'function', r: 'function', s: false, q: { own: '1', method: 'X', log: '2', cloudEventResponse: '3', signal: '4' } } }],
  ]],
  ['lambda: a header by the name of a prototype', { settings: { handler_style: 'lambda' }, code: `exports.handler = async (e) => ({ statusCode: 200, body: JSON.stringify([e.headers, e.requestContext.time.length]) });` }, [
    [{ headers: [['__proto__', 'x'], ['constructor', '1'], ['constructor', '2']] }, { status: 200, json: [{ constructor: '1,2' }, 26] }],
  ]],
  ['func: an event', { file: 'index.js', settings: { handler_style: 'func' }, code: `exports.handle = (context, event) => ({ body: { type: event.type, data: event.data, same: context.cloudevent === event } });` }, [[EVENT, { json: { type: 't', data: { d: 1 }, same: true } }]]],
  ['functions framework without packages: http', { env: { FUNCTION_TARGET: 'hi' }, code: `const f = require('@google-cloud/functions-framework'); f.http('hi', (req, res) => { res.json({ b: req.body ?? null, q: req.query, app: req.app === undefined }); });` }, [
    [{ query: 'a=1', method: 'POST', headers: JSON_TYPE, body: '{"x":[1]}' }, { status: 200, json: { b: { x: [1] }, q: { a: '1' }, app: true } }],
    [{ method: 'POST', headers: JSON_TYPE, body: '{"secret' }, { status: 400 }], [{ path: '/favicon.ico' }, { status: 404, body: '' }],
    [{ method: 'POST', headers: { 'content-type': 'text/plain; charset=x-none' }, body: 'x' }, { status: 415 }],
  ]],
  ['functions framework without packages: cloudevent', { env: { FUNCTION_TARGET: 'ce' }, code: `require('@google-cloud/functions-framework').cloudEvent('ce', (e) => e);` }, [
    [EVENT, { json: { id: '1', source: '/s', type: 't', specversion: '1.0', extra: 'é', data: { d: 1 } } }],
    [STRUCTURED, { json: { id: '1', source: '/s', type: 't', specversion: '1.0', extra: 'é', datacontenttype: 'application/json', data: { d: 1 } } }],
    [{ method: 'GET' }, { status: 404 }],
  ]],
  ['functions framework: event', { env: { FUNCTION_TARGET: 'bg', FUNCTION_SIGNATURE_TYPE: 'event' }, code: `exports.bg = (data, context) => ({ data, id: context.id ?? context.eventId });` }, [[EVENT, { json: { data: { d: 1 }, id: '1' } }], [{ method: 'POST', headers: JSON_TYPE, body: '{"data":2,"context":{"eventId":"e"}}' }, { json: { data: 2, id: 'e' } }]]],
  ['functions framework: typed', { env: { FUNCTION_TARGET: 'ty' }, code: `require('@google-cloud/functions-framework').typed('ty', async (x) => x.n ? { twice: x.n * 2 } : undefined);` }, [
    [{ method: 'POST', headers: JSON_TYPE, body: '{"n":4}' }, { json: { twice: 8 } }], [{ method: 'POST', body: '{}' }, { status: 204 }], [{ method: 'POST', body: '{' }, { status: 400 }],
  ]],
  ...['production', 'development', ''].map((env) => [`functions framework: errors, NODE_ENV=${env}`, { env: { FUNCTION_TARGET: 'bad', NODE_ENV: env }, code: `exports.bad = (req, res) => { res.set('X-Own', '1'); throw new Error('secret') };` }, [
    [{}, { status: 500, headers: { 'x-google-status': 'crash', 'x-own': '1', 'content-type': 'text/plain; charset=utf-8', 'content-length': '21' }, body: 'Internal Server Error' }],
  ]]),
];

for (const [name, { file = 'function.js', code, settings, env }, cases] of TABLE) {
  test(name, async (t) => {
    const peer = await worker(t, { [file]: code }, { settings, env });
    for (const [call, expected] of cases) {
      const answer = await peer.call(call);
      const what = `${call.method ?? 'GET'} ${call.path ?? ''} ${call.query ?? ''} ${call.body ?? ''}: ${JSON.stringify({ ...answer, bytes: undefined, first: undefined })}`;
      if (expected.error) assert.deepStrictEqual(Object.fromEntries(Object.keys(expected.error).map((key) => [key, answer.error?.[key]])), expected.error, what);
      if (expected.status) assert.strictEqual(answer.status, expected.status, what);
      if (expected.body !== undefined) assert.strictEqual(answer.body, expected.body, what);
      if (expected.hex) assert.strictEqual(answer.bytes.toString('hex'), expected.hex, what);
      if ('json' in expected) assert.deepStrictEqual(JSON.parse(answer.body), expected.json, what);
      if (expected.attributes) assert.deepStrictEqual(answer.attributes, expected.attributes, what);
      for (const [header, value] of Object.entries(expected.headers ?? {})) assert.deepStrictEqual(answer.headers[header], value, `${header} of ${what}`);
    }
  });
}
