'use strict';
// The same functions under the real functions framework and under ours, the same requests, answers compared field by field.
// The real one is in production: an error's text reaches nobody then, and under ours it never does.

const { test, after, before } = require('node:test');
const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { worker } = require('./peer');

const PACKAGES = path.join(__dirname, '..', '..', '..', 'target', 'servers', 'node', 'node_modules');
const missing = fs.existsSync(path.join(PACKAGES, '@google-cloud', 'functions-framework')) ? false : 'the functions framework is not installed: scripts/servers.sh does that';
/** What belongs to the connection, or to the moment. */
const UNCOMPARED = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'last-modified', 'etag']);
const JSON_TYPE = { 'content-type': 'application/json' };
const CE = { 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', 'ce-specversion': '1.0' };

let root;
before(() => {
  if (missing) return;
  root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'heeler-real-'));
  fs.symlinkSync(PACKAGES, path.join(root, 'node_modules'));
  for (const name of fs.readdirSync(path.join(__dirname, 'handlers'))) fs.copyFileSync(path.join(__dirname, 'handlers', name), path.join(root, name));
});
after(() => root && fs.rmSync(root, { recursive: true, force: true }));

const CASES = [
  ['hello', {}, { query: 'name=Ada' }, { method: 'POST', headers: JSON_TYPE, body: '{"name":"Eve"}' }, { method: 'HEAD' }, { path: '/favicon.ico' }, { path: '/robots.txt' }, { path: '/a/robots.txt' }],
  ['end', {}], ['json', {}, { method: 'HEAD' }], ['sendObject', {}], ['sendNumber', {}], ['sendBuffer', {}], ['sendNull', {}], ['sendNothing', {}],
  ['status', {}], ['sendStatus', {}], ['noContent', {}], ['reset', {}],
  ['types', ...['html', 'json', 'txt', 'png', '.js', 'application/x-y', 'svg', 'bin', 'xml', 'ogg'].map((t) => ({ query: `t=${encodeURIComponent(t)}` }))],
  ['setType', ...['text/plain', 'application/json', 'text/html; charset=latin1', 'image/png', 'application/x-y; b=1; a=2'].map((t) => ({ query: `t=${encodeURIComponent(t)}` }))],
  ['setBuffer', ...['text/plain', 'application/json', 'image/png'].map((t) => ({ query: `t=${encodeURIComponent(t)}` }))],
  ['headers', {}], ['cookies', {}],
  ['redirect', {}, { headers: { accept: 'text/html' } }, { headers: { accept: 'application/json' } }, { method: 'HEAD' }, { headers: { accept: 'text/plain;q=0.3, text/html;q=0.9' } }, { headers: { accept: '*/*' } }],
  ['redirect301', {}, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }],
  ['location', {}], ['vary', {}], ['links', {}], ['attachment', {}],
  ['format', {}, { headers: { accept: 'text/html' } }, { headers: { accept: 'application/json' } }],
  ['jsonp', {}, { query: 'callback=cb' }], ['file', {}, { method: 'HEAD' }, { headers: { range: 'bytes=4-11' } }], ['download', {}],
  ['accepts', {}, { method: 'POST', headers: { ...JSON_TYPE, accept: 'text/html', 'accept-language': 'de' }, body: '{}' }],
  ['write', {}], ['pipe', {}], ['pipeline', {}],
  ['echo', {}, { path: '/a/%20b', query: 'x=1&x=2&y=%C3%BC&e' },
    { method: 'POST', headers: JSON_TYPE, body: '{"a":[1]}' }, { method: 'POST', headers: JSON_TYPE, body: '' }, { method: 'PUT', headers: { 'content-type': 'application/json; charset=utf-8' }, body: '[1,2]' },
    { method: 'POST', headers: { 'content-type': 'application/cloudevents+json' }, body: '{"id":"1"}' },
    { method: 'POST', headers: { 'content-type': 'application/vnd.x+json' }, body: '{"id":"1"}' },
    { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'hü' }, { method: 'POST', headers: { 'content-type': 'text/html' }, body: '<p>' },
    { method: 'POST', headers: { 'content-type': 'text/plain; charset=iso-8859-1' }, body: Buffer.from([0xe4]) },
    { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1&b=2&b=3&c[d]=4&c[e][f]=5&l[]=6&l[]=7&m[0]=8&m[1]=9&s=a+b%20c&empty=&bare&%zz=1' },
    { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: Buffer.from([0, 255]) }, { method: 'POST', body: 'no type' },
    { method: 'POST', headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: require('node:zlib').gzipSync('{"z":1}') },
    { headers: { 'x-test': 'one', referer: 'http://r', 'x-requested-with': 'XMLHttpRequest', host: 'a.b.example.com:81', 'x-forwarded-for': '1.2.3.4, 5.6.7.8', 'x-forwarded-proto': 'https', 'x-cloud-trace-context': 'abc/42;o=1' } },
    { headers: { 'x-forwarded-host': 'else.org, b', cookie: 'a=1; b=2' } },
    { method: 'DELETE' }, { method: 'OPTIONS' }, { method: 'PATCH', headers: { 'content-type': 'text/plain' }, body: 'p' }],
  ['throwing', {}], ['rejecting', {}], ['throwingText', {}], ['badHeader', {}], ['badStatus', {}], ['twice', {}], ['lateThrow', {}],
  ['locals', {}], ['events', {}], ['etag', {}, { headers: { 'if-none-match': '"v1"' } }, { headers: { 'if-none-match': 'W/"v1", "x"' } }, { headers: { 'if-none-match': '"v2"' } }],
  ['app', { path: '/app/12', query: 'q=s' }, { method: 'POST', path: '/app/post', headers: JSON_TYPE, body: '{"n":1}' }, { path: '/fails' }],
  ['ceEcho', { method: 'POST', headers: { ...CE, ...JSON_TYPE, 'ce-ext': 'a%20b' }, body: '{"d":1}' }, { method: 'POST', headers: { ...CE, 'content-type': 'image/png' }, body: Buffer.from([1, 2]) }, { method: 'POST', headers: { ...CE, ...JSON_TYPE, traceparent: '00-1-2-03' }, body: '{}' },
    { method: 'POST', headers: { 'content-type': 'application/cloudevents+json' }, body: JSON.stringify({ id: '1', source: '/s', type: 't', specversion: '1.0', data: { x: 1 } }) },
    { method: 'POST', headers: { ...JSON_TYPE }, body: '{"x":1}' },
    { method: 'POST', headers: { ...JSON_TYPE }, body: JSON.stringify({ context: { eventId: 'e', timestamp: 'now', eventType: 'google.pubsub.topic.publish', resource: { service: 'pubsub.googleapis.com', name: 'projects/p/topics/t' } }, data: { data: 'eA==' } }) }],
  ...['ceNothing', 'ceNumber', 'ceText', 'ceThrows', 'ceCallback', 'ceCallbackError', 'ceCycle'].map((name) => [name, { method: 'POST', headers: { ...CE, ...JSON_TYPE }, body: '{}' }]),
  ['background', ...background()], ['backgroundCallback', ...background()],
  ['ceEcho', ...older()], ['background', ...older(), ...todays()],
];

function post(body, target = '/') {
  return { method: 'POST', path: target, headers: JSON_TYPE, body: JSON.stringify(body) };
}

/** Events of the older form, of every service. */
function older() {
  const time = { eventId: '7', timestamp: '2020-01-02T03:04:05Z' };
  const event = (eventType, resource, data, more = {}) => post({ context: { ...time, eventType, resource }, data, ...more });
  const [topic, object, document] = ['projects/p/topics/t', 'projects/_/buckets/b/objects/f/o.txt', 'projects/p/databases/(default)/documents/a/b'];
  const message = { data: 'aGk=', messageId: '9', publishTime: '2020-01-02T03:04:05Z' };
  const many = (start, words, resource, data, more) => words.map((word) => event(start + word, resource, data, more));
  const changes = ['write', 'create', 'update', 'delete'];
  return [
    event('google.pubsub.topic.publish', { service: 'pubsub.googleapis.com', name: topic, type: 'T' }, { data: 'aGk=' }),
    event('google.pubsub.topic.publish', topic, { messageId: 'mine', publishTime: 'then' }),
    event('providers/cloud.pubsub/eventTypes/topic.publish', topic, { data: 'aGk=', attributes: { a: 'b' } }),
    post({ ...time, eventType: 'google.pubsub.topic.publish', resource: topic, data: { a: 1 } }),
    post({ ...time, eventType: 'google.storage.object.archive', resource: object, data: {} }),
    post({ subscription: 's', message }), post({ subscription: 's', message: { ...message, attributes: { k: 'v' } } }, `/${topic}`), post({ subscription: 's', message }, `/x/${topic}/y`),
    post({ subscription: 's', message: { messageId: '9' } }),
    event('google.storage.object.finalize', { service: 'storage.googleapis.com', name: object, type: 'storage#object' }, { kind: 'k' }),
    event('google.storage.object.delete', { name: `${object}#123` }, { kind: 'k' }), event('google.storage.object.metadataUpdate', object, {}),
    event('providers/cloud.storage/eventTypes/object.change', object, {}),
    ...many('providers/cloud.firestore/eventTypes/document.', changes, document, { x: 1 }),
    event('providers/firebase.auth/eventTypes/user.create', 'projects/p', { uid: 'u', metadata: { createdAt: 'c', lastSignedInAt: 'l', x: 1 } }),
    event('providers/firebase.auth/eventTypes/user.delete', 'projects/p', { uid: 'u' }),
    ...many('providers/google.firebase.database/eventTypes/ref.', changes, 'projects/_/instances/i/refs/r/s', { x: 1 }, { domain: 'firebaseio.com' }),
    event('providers/google.firebase.database/eventTypes/ref.write', 'projects/_/instances/i/refs/r', null, { domain: 'europe-west1.firebasedatabase.app' }),
    event('providers/google.firebase.analytics/eventTypes/event.log', 'projects/p/events/session_start', { userDim: { appInfo: { appId: 'a' } } }),
    event('unknown.type', 'r', {}), post({ data: 1, context: {} }), post({ eventType: 'google.pubsub.topic.publish', resource: topic }),
    post({ eventType: 'google.pubsub.topic.publish', data: {} }), post([]), post([1]),
  ];
}

/** Today's events of the same services, as headers. */
function todays() {
  const message = { data: 'aGk=', messageId: '9', publishTime: 'p' };
  const bucket = '//storage.googleapis.com/projects/_/buckets/b';
  const user = 'google.firebase.auth.user.v1.';
  return [
    ['google.cloud.pubsub.topic.v1.messagePublished', '//pubsub.googleapis.com/projects/p/topics/t', undefined, { message, subscription: 's' }],
    ['google.cloud.pubsub.topic.v1.messagePublished', '//pubsub.googleapis.com/projects/p/topics/t', undefined, { data: 'aGk=', messageId: '9' }],
    ...['finalized', 'deleted', 'archived', 'metadataUpdated'].map((word) => [`google.cloud.storage.object.v1.${word}`, bucket, 'objects/o', { kind: 'k' }]),
    ['google.cloud.storage.object.v1.deleted', bucket, undefined, {}],
    ['google.cloud.firestore.document.v1.written', '//firestore.googleapis.com/projects/p/databases/(default)', 'documents/d/e', { x: 1 }],
    [`${user}created`, '//firebaseauth.googleapis.com/projects/p', 'users/u', { metadata: { createTime: 'c', x: 1 } }],
    [`${user}deleted`, '//firebaseauth.googleapis.com/projects/p', 'users/u', { metadata: { lastSignInTime: 'l' } }],
    ['google.firebase.database.ref.v1.written', '//firebasedatabase.googleapis.com/projects/_/locations/l/instances/i', 'refs/r', {}],
    ['google.firebase.analytics.log.v1.written', '//firebase.googleapis.com/projects/p', 'events/e', { x: 1 }],
    ['t', '/s', 'x', { a: 1 }],
  ].map(([type, source, subject, data]) => ({
    ...post(data), headers: { ...CE, ...JSON_TYPE, 'ce-type': type, 'ce-source': source, 'ce-time': '2020-01-02T03:04:05Z', ...(subject && { 'ce-subject': subject }) },
  }));
}

function background() {
  return [
    { method: 'POST', headers: JSON_TYPE, body: '{"data":{"a":1},"context":{"eventId":"1","eventType":"t"}}' },
    { method: 'POST', headers: JSON_TYPE, body: '{"data":{"a":1},"eventId":"1","eventType":"t"}' },
    { method: 'POST', headers: { ...CE, ...JSON_TYPE }, body: '{"a":1}' },
    { method: 'POST', headers: { 'content-type': 'application/cloudevents+json' }, body: JSON.stringify({ id: '1', source: '//storage.googleapis.com/projects/_/buckets/b', subject: 'objects/o', type: 'google.cloud.storage.object.v1.finalized', specversion: '1.0', data: { kind: 'k' } }) },
  ];
}

for (const [at, [target, ...requests]] of CASES.entries()) {
  test(`as under the real framework: ${target}, ${at}`, { skip: missing }, async (t) => {
    const signature = target.startsWith('background') ? 'event' : 'http';
    const port = await real(t, target, signature);
    const env = { FUNCTION_TARGET: target, FUNCTION_SOURCE: path.join(root, 'framework.js'), FUNCTION_SIGNATURE_TYPE: signature };
    const peer = await worker(t, root, { env });
    for (const request of requests) {
      const theirs = await ask(port, request);
      const ours = await peer.call(withHost(request, port));
      assert.deepStrictEqual(comparable(ours, request), comparable(theirs, request), `${target} ${JSON.stringify(request)}`);
    }
  });
}

test('an event that heeler has decoded is the same to (data, context), without any package', async (t) => {
  const peer = await worker(t, { 'index.js': 'exports.old = (data, context) => ({ data, context });' }, { env: { FUNCTION_TARGET: 'old', FUNCTION_SIGNATURE_TYPE: 'event' } });
  for (const request of todays()) {
    const names = Object.entries(request.headers).filter(([name]) => name.startsWith('ce-'));
    const seen = await peer.call({ ...request, kind: 1, attributes: Object.fromEntries(names.map(([name, value]) => [name.slice(3), value])) });
    assert.deepStrictEqual([seen.status, JSON.parse(seen.body)], [200, JSON.parse((await peer.call(request)).body)]);
  }
});

test('an event of Google\'s that has not its form is 400, which nobody sends again; theirs is 500', async (t) => {
  const event = (eventType, resource, more) => post({ context: { eventType, resource }, data: {}, ...more });
  const files = { 'index.js': "exports.f = () => { console.log('called'); };" };
  for (const [signature, ...requests] of [
    ['cloudevent', event('google.storage.object.delete', 'nowhere'), event('google.storage.object.delete', 'projects/pp/buckets/b/objects/o'),
      event('providers/google.firebase.database/eventTypes/ref.write', 'projects/_/instances/i/refs/r'), event('providers/google.firebase.database/eventTypes/ref.write', 'projects/_/instances/i/refs/r', { domain: 'x' }),
      { method: 'POST', headers: JSON_TYPE, body: '{broken' }, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' }, { method: 'POST' }],
    ['event', { ...todays()[0], headers: { ...todays()[0].headers, 'ce-source': 'nowhere' } }, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' }],
  ]) {
    const peer = await worker(t, files, { env: { FUNCTION_TARGET: 'f', FUNCTION_SIGNATURE_TYPE: signature } });
    for (const request of requests) {
      const { status, logs } = await peer.call(request);
      assert.deepStrictEqual([status, logs.map(({ source }) => source)], [400, [3]], JSON.stringify(request));
    }
  }
});

test('what Express says of an error that nobody took is safe, and the log of the call has its stack', { skip: missing }, async (t) => {
  const code = `const app = require('express')();
    app.get('/bad', () => { throw new Error('secret'); });
    app.get('/later', async () => { throw Object.assign(new Error('secret'), { status: 422 }); });
    app.get('/half', (req, res, next) => { res.write('half'); next(new Error('secret')); });
    exports.app = app;`;
  fs.writeFileSync(path.join(root, 'express.js'), code);
  fs.writeFileSync(path.join(root, 'express.mjs'), "import express from 'express'; export const app = express(); app.get('/bad', () => { throw new Error('secret'); });");
  for (const source of ['express.js', 'express.mjs']) {
    const peer = await worker(t, root, { env: { FUNCTION_TARGET: 'app', FUNCTION_SOURCE: path.join(root, source), NODE_ENV: 'development' } });
    const { status, body, logs } = await peer.call({ path: '/bad' });
    assert.strictEqual(status, 500, body);
    assert.match(body, /<pre>Internal Server Error<\/pre>/);
    assert.match(logs[0].line, /^Error: secret/);
    assert.match((await peer.call({ path: '/none' })).body, /Cannot GET \/none/);
    if (source === 'express.mjs') continue;
    const later = await peer.call({ path: '/later' });
    assert.strictEqual(later.status, 422);
    assert.match(later.body, /<pre>Unprocessable Entity<\/pre>/);
    assert.strictEqual((await peer.call({ path: '/half' })).error.message, 'secret');
  }
});

async function real(t, target, signature) {
  const child = spawn(process.execPath, [path.join(__dirname, 'real.js'), path.join(root, 'framework.js'), target, signature], { env: { ...process.env, NODE_ENV: 'production' }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (bytes) => { errors += bytes; });
  return new Promise((resolve, reject) => {
    child.stdout.once('data', (text) => resolve(Number(String(text).split('\n')[0])));
    child.once('exit', () => reject(new Error(`the real framework ended: ${errors}`)));
  });
}

function ask(port, { method = 'GET', path: target = '/', query = '', headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const request = http.request({ port, host: '127.0.0.1', method, path: query ? `${target}?${query}` : target, headers: { ...headers, ...length } }, (res) => {
      const pieces = [];
      res.on('data', (piece) => pieces.push(piece)).on('end', () => resolve({ status: res.statusCode, headers: res.headers, bytes: Buffer.concat(pieces) }));
    });
    request.on('error', reject).end(body);
  });
}

function withHost(request, port) {
  const length = request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) };
  return { ...request, headers: { host: `127.0.0.1:${port}`, ...request.headers, ...length } };
}

/** Without the lengths that Node adds by itself where heeler does the same. */
function comparable({ error, status, headers = {}, bytes = Buffer.alloc(0) }, { method }) {
  const kept = Object.entries(headers).filter(([name]) => !UNCOMPARED.has(name)).map(([name, value]) => [name, name === 'set-cookie' ? [].concat(value) : [].concat(value).join(', ')]);
  const all = Object.fromEntries(kept);
  if (Number(all['content-length']) === bytes.length || (method !== 'HEAD' && bytes.length === 0)) delete all['content-length'];
  return { error, status, headers: all, body: bytes.toString('latin1') };
}
