'use strict';
// The functions framework for functions that ask for it by name: their own copy where it is installed, else ours.

const path = require('node:path');
const Module = require('node:module');

const NAME = '@google-cloud/functions-framework';
const MODULES = path.join(__dirname, 'modules');
const OURS = path.join(MODULES, NAME, 'index.js');
/** Where the real package keeps what was registered. */
const REAL_REGISTRY = '/functions-framework/build/src/function_registry.js';

/** For require: our folder is the last place where packages are looked for. */
function makeResolvable() {
  const before = process.env.NODE_PATH;
  process.env.NODE_PATH = before ? before + path.delimiter + MODULES : MODULES;
  Module._initPaths();
  if (before === undefined) delete process.env.NODE_PATH;
  else process.env.NODE_PATH = before;
}

/** For import, which knows no such places: only where a module asks for it and has none of its own. */
function makeImportable(file) {
  if (!require('node:fs').readFileSync(file, 'utf8').includes(NAME) || hasOwn(file)) return;
  const url = require('node:url').pathToFileURL(OURS).href;
  if (Module.registerHooks) {
    Module.registerHooks({ resolve: (name, context, next) => (name === NAME ? { url, shortCircuit: true } : next(name, context)) });
  } else if (Module.register) {
    const hook = `export const resolve = (name, context, next) =>
      name === ${JSON.stringify(NAME)} ? { url: ${JSON.stringify(url)}, shortCircuit: true } : next(name, context);`;
    Module.register(`data:text/javascript,${encodeURIComponent(hook)}`);
  } else {
    throw new Error(`${file} imports ${NAME}, which is not installed; Node ${process.versions.node} cannot be given another: install it, or use require`);
  }
}

function hasOwn(file) {
  try {
    return Module.createRequire(file).resolve(NAME) !== OURS;
  } catch {
    return false;
  }
}

/** What functions registered themselves: name to { signatureType, userFunction }. */
function registered(target) {
  const ours = require.cache[OURS];
  const own = ours?.exports[Symbol.for('heeler.registered')];
  if (own?.size > 0) return own.get(target) ?? (target === undefined && own.size === 1 ? [...own.values()][0] : undefined);
  const real = Object.keys(require.cache).find((name) => name.endsWith(REAL_REGISTRY));
  return real === undefined ? undefined : require.cache[real].exports.getRegisteredFunction(target ?? 'function');
}

function registeredNames() {
  const own = require.cache[OURS]?.exports[Symbol.for('heeler.registered')];
  return own === undefined ? [] : [...own.keys()];
}

module.exports = { makeResolvable, makeImportable, registered, registeredNames };
