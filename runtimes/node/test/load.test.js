'use strict';
// Which file and which function are loaded, in which form of module, and what is said when there is none.

const { test } = require('node:test');
const assert = require('node:assert');
const { Peer, T, folder, readError, worker } = require('./peer');

const SAYS = (text) => `(event) => ${JSON.stringify(text)}`;

/** [name, files, { settings, env }, expected body] */
const FOUND = [
  ['function.js', { 'function.js': `exports.handle = ${SAYS('f')}` }, {}, 'f'],
  ['a module by its ending', { 'function.mjs': `export const handle = ${SAYS('mjs')}` }, {}, 'mjs'],
  ['a module by package.json', { 'package.json': '{"type":"module"}', 'function.js': `export const handle = ${SAYS('esm')}; await null;` }, {}, 'esm'],
  ['a default export of a module', { 'function.mjs': `export default ${SAYS('default')}` }, {}, 'default'],
  ['an object as default export', { 'function.mjs': `export default { handle: ${SAYS('inner')} }` }, {}, 'inner'],
  ['what TypeScript makes of a default export', { 'function.js': `"use strict"; Object.defineProperty(exports, "__esModule", { value: true }); exports.default = ${SAYS('ts')};` }, {}, 'ts'],
  ['what TypeScript makes of a named export', { 'function.js': `"use strict"; Object.defineProperty(exports, "__esModule", { value: true }); exports.handle = void 0; const handle = ${SAYS('named')}; exports.handle = handle;` }, {}, 'named'],
  ['the module itself', { 'function.js': `module.exports = ${SAYS('whole')}` }, {}, 'whole'],
  ['index.js with a handler of one parameter', { 'index.js': `exports.handler = ${SAYS('one')}` }, {}, 'one'],
  ['the main of package.json', { 'package.json': '{"main":"lib/app.js"}', 'lib/app.js': `exports.handle = ${SAYS('main')}` }, {}, 'main'],
  ['handler: module.function', { 'src/a.js': `exports.b = { c: ${SAYS('dotted')} }` }, { settings: { handler: 'src/a.b.c' } }, 'dotted'],
  ['handler: file:function', { 'src/a.cjs': `exports.f = ${SAYS('colon')}` }, { settings: { handler: 'src/a.cjs:f' } }, 'colon'],
  ['handler: a file', { 'other.mjs': `export const handle = ${SAYS('file')}` }, { settings: { handler: 'other.mjs' } }, 'file'],
  ['handler by its ending, beside a Python file', { 'a.js': `exports.handle = ${SAYS('js')}`, 'a.py': '' }, { settings: { handler: 'a.js' } }, 'js'],
  ['a module that is called like one of Node', { 'test.js': `exports.handle = ${SAYS('test')}` }, { settings: { handler: 'test.handle' } }, 'test'],
  ['FUNCTION_SOURCE with function.js', { 'app/function.js': 'exports.t = (req, res) => res.end("source")' }, { env: { FUNCTION_TARGET: 't', FUNCTION_SOURCE: 'app' } }, 'source'],
  ['a dotted FUNCTION_TARGET', { 'index.js': 'exports.a = { t: (req, res) => res.end("deep") }' }, { env: { FUNCTION_TARGET: 'a.t' } }, 'deep'],
  ['LAMBDA_TASK_ROOT', { 'task/app.mjs': 'export const handler = async () => ({ statusCode: 200, body: "task" })' }, { env: { _HANDLER: 'app.handler', LAMBDA_TASK_ROOT: 'task' } }, 'task'],
  ['settings before the environment', { 'function.js': `exports.handle = ${SAYS('hks')}` }, { settings: { handler_style: 'hks', handler: 'function.handle' }, env: { FUNCTION_TARGET: 'nothing' } }, 'hks'],
  ['the framework for an ES module without the package', { 'index.mjs': `import functions, { http } from '@google-cloud/functions-framework'; http('t', (req, res) => { res.send(typeof functions.cloudEvent) });` }, { env: { FUNCTION_TARGET: 't', FUNCTION_SOURCE: 'index.mjs' } }, 'function'],
  ['a function that registered itself, found without a name', { 'index.js': `require('@google-cloud/functions-framework').http('mine', (req, res) => { res.send('registered') });` }, {}, 'registered'],
  ['one that registers itself through another file', { 'index.js': `require('./lib/real')`, 'lib/real.js': `require('@google-cloud/functions-framework').http('t', (req, res) => { res.send('far') });` }, { env: { FUNCTION_TARGET: 't' } }, 'far'],
];

for (const [name, files, options, expected] of FOUND) {
  test(`found: ${name}`, async (t) => {
    const peer = await worker(t, files, options);
    assert.strictEqual((await peer.call()).body, expected);
  });
}

test('every style is served', async (t) => {
  const code = `const f = require('@google-cloud/functions-framework'); f.http('h', (req, res) => res.send('http')); f.typed('t', () => 'typed');
    exports.handle = exports.handler = () => 'value';`;
  for (const style of ['hks', 'lambda', 'kubeless', 'openfaas', 'func']) {
    const peer = await worker(t, { 'function.js': code }, { settings: { handler_style: style } });
    assert.strictEqual((await peer.call()).body, 'value', style);
  }
  for (const [target, body] of [['h', 'http'], ['t', '"typed"']]) {
    const peer = await worker(t, { 'function.js': code }, { env: { FUNCTION_TARGET: target } });
    assert.strictEqual((await peer.call({ method: 'POST', body: '{}' })).body, body);
  }
});

/** [name, files, { settings, env }, words that the error has to have] */
const MISSED = [
  ['no file', {}, {}, [/no file for the handler was found/, /function\.js/, /has no JavaScript files/]],
  ['another file', { 'other.js': '' }, { settings: { handler: 'missing.handle' } }, [/missing\.js/, /has other\.js/]],
  ['no such name', { 'function.js': 'exports.other = () => 1; exports.value = 3;' }, {}, [/function\.js has no function "handle" or "handler" \(style hks\)/, /other \(function\), value \(a value of type number\)/]],
  ['nothing exported', { 'function.js': '' }, {}, [/exports nothing/]],
  ['not a function', { 'function.js': 'exports.handle = 5' }, {}, [/"handle" is a value of type number, not a function/]],
  ['a target that others are registered for', { 'index.js': `require('@google-cloud/functions-framework').http('yes', () => {});` }, { env: { FUNCTION_TARGET: 'no' } }, [/no function "no"/, /registers yes/]],
  ['an error while loading', { 'function.js': 'const a = 1;\nthrow new Error("on purpose");' }, {}, [/function\.js could not be loaded: on purpose/, /function\.js:2/]],
  ['a syntax error', { 'function.js': 'exports.handle = (' }, {}, [/could not be loaded/, /SyntaxError/]],
  ['a syntax error in a module', { 'function.mjs': 'export const handle = (' }, {}, [/could not be loaded/, /SyntaxError/]],
  ['a package that is not there', { 'function.js': 'require("no-such-package")' }, {}, [/Cannot find module 'no-such-package'/, /Require stack/]],
  ['a style that Node has not', { 'function.js': '' }, { settings: { handler_style: 'wsgi' } }, [/handler_style=wsgi/, /hks/]],
  ['an unknown signature', { 'index.js': 'exports.t = () => 1' }, { env: { FUNCTION_TARGET: 't', FUNCTION_SIGNATURE_TYPE: 'odd' } }, [/FUNCTION_SIGNATURE_TYPE=odd/, /cloudevent/]],
  ['a Python file of the same name', { 'function.js': 'exports.handle = () => 1', 'function.py': '' }, {}, [/function\.js and .*function\.py/]],
  ['a hook that fails', { 'index.js': 'exports.handle = () => 1; exports.init = () => { throw new Error("no database") };' }, { settings: { handler_style: 'func' } }, [/no database/]],
];

for (const [name, files, { settings, env }, words] of MISSED) {
  test(`not loaded: ${name}`, async (t) => {
    const peer = new Peer({ cwd: folder(t, files), env });
    t.after(() => peer.child.kill('SIGKILL'));
    peer.hello({ settings });
    const { payload, last } = await peer.take(T.ERROR, 0);
    const told = readError(payload);
    assert.strictEqual(last, true);
    assert.strictEqual(told.kind, 3);
    assert.strictEqual(await peer.ended(), 1);
    for (const word of words) {
      assert.match(`${told.message}\n${told.stack}`, word);
    }
    // heeler's log has it from the frame.
    assert.strictEqual(peer.texts.stderr, '');
  });
}
