'use strict';
// Which style a loaded file is served in, and which of its exports is the function.

const path = require('node:path');
const framework = require('./framework');

/** Exports that are looked for where no name is set, by style. */
const USUAL_NAMES = {
  http: ['function', 'handler', 'handle'],
  hks: ['handle', 'handler'],
  request: ['handle', 'handler'],
  event: ['handle', 'handler'],
  lambda: ['handler', 'handle'],
  kubeless: ['handler', 'handle'],
  openfaas: ['handle', 'handler'],
  func: ['handle', 'func'],
};
/** Styles whose function may be the module itself. */
const WHOLE_MODULE = new Set(['http', 'kubeless', 'openfaas', 'func', 'hks', 'request', 'event']);

async function makeStyle(wanted, file, exported, LoadError) {
  const registered = wanted.style === null || wanted.style === 'http' ? framework.registered(wanted.names[0]) : undefined;
  const name = registered ? 'http' : wanted.style ?? guess(wanted, file, exported);
  const found = registered
    ? { fn: registered.userFunction, owner: undefined, target: wanted.names[0] ?? 'function' }
    : pick(wanted, name, file, exported, LoadError);
  if (typeof found.fn !== 'function') throw new LoadError(`${file}: "${found.target}" is ${kindOf(found.fn)}, not a function`);
  const signature = registered?.signatureType ?? wanted.signature ?? 'http';
  const made = await moduleOf(name, signature, LoadError).make({ ...found, file, style: name, signature, settings: wanted.settings });
  return { name, target: found.target, ...made };
}

function moduleOf(name, signature, LoadError) {
  if (name === 'http') {
    if (signature === 'http') return require('./styles/http');
    if (['cloudevent', 'event', 'typed'].includes(signature)) return require('./styles/gcf');
    throw new LoadError(`FUNCTION_SIGNATURE_TYPE=${signature} is not known; known are http, event, cloudevent, typed`);
  }
  if (name === 'request' || name === 'event') return require('./styles/hks');
  return require(`./styles/${name}`);
}

/** By the file's place, and by the number of parameters only for `handler` of main and index. */
function guess(wanted, file, exported) {
  const stem = path.basename(file).replace(/\.[cm]?js$/, '');
  const fn = lookUp(exported, wanted.names[0] ?? 'handler');
  if (stem === 'handler') return 'openfaas';
  const handle = lookUp(exported, 'handle');
  const lambda = typeof fn === 'function' && fn.length >= 2 && (wanted.names[0] ?? 'handler') === 'handler';
  if ((stem === 'main' || stem === 'index') && lambda && (handle === undefined || wanted.names.length > 0)) return 'lambda';
  return fn?.[Symbol.for('heeler.streaming')] ? 'lambda' : 'hks';
}

/** The wanted export, of the module or of its default export, as TypeScript and ES modules have it. */
function pick(wanted, style, file, exported, LoadError) {
  const asked = wanted.names.length > 0;
  const names = asked ? wanted.names : USUAL_NAMES[style];
  for (const target of names) {
    const fn = lookUp(exported, target);
    if (fn !== undefined) return { fn, target, owner: exported };
  }
  const whole = wholeModule(exported);
  if (whole !== undefined && WHOLE_MODULE.has(style)) return { fn: whole, target: 'module', owner: exported };
  const also = framework.registeredNames();
  const wording = names.map((name) => `"${name}"`).join(' or ');
  throw new LoadError(`${file} has no function ${wording} (style ${style}); it exports ${exportsOf(exported)}${also.length > 0 ? `, and registers ${also.join(', ')}` : ''}`);
}

function wholeModule(exported) {
  if (typeof exported === 'function') return exported;
  const inner = exported?.default;
  if (typeof inner === 'function') return inner;
  return typeof inner?.default === 'function' ? inner.default : undefined;
}

function lookUp(exported, target) {
  for (const root of [exported, exported?.default, exported?.default?.default]) {
    const found = target.split('.').reduce((from, part) => (from === undefined || from === null ? undefined : from[part]), root);
    // `name` and `length` of a function are not what anybody exports.
    if (found !== undefined && (typeof root !== 'function' || Object.hasOwn(root, target.split('.')[0]))) return found;
  }
  return undefined;
}

function exportsOf(exported) {
  if (typeof exported === 'function') return `a function${exported.name ? ` "${exported.name}"` : ''}`;
  const inner = exported?.default !== null && typeof exported?.default === 'object' ? Object.keys(exported.default) : [];
  const names = [...new Set([...Object.keys(exported ?? {}), ...inner])].filter((name) => name !== '__esModule');
  return names.length === 0 ? 'nothing' : names.map((name) => `${name} (${kindOf(lookUp(exported, name))})`).join(', ');
}

function kindOf(value) {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`.replace('a value of type function', 'function');
}

module.exports = { makeStyle };
