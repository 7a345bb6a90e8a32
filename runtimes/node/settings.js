'use strict';
// Which file, which name and which style are wanted: by heeler's settings first, then by the environment of the system
// that the function was written for, then by the usual names.

const path = require('node:path');

const STYLES = ['http', 'hks', 'request', 'event', 'lambda', 'kubeless', 'openfaas', 'func'];

/**
 * @returns {{style: string?, files: string[], names: string[], explicit: boolean, signature: string?, settings: object}}
 *   `style` null is decided by the file; `names` are tried in their order.
 */
function choose(settings, env) {
  const setting = (name) => settings[name] ?? env[name] ?? '';
  const style = setting('handler_style') || byEnvironment(env);
  if (style && !STYLES.includes(style)) {
    throw new Error(`handler_style=${style} is not known for Node; known are ${STYLES.join(', ')}`);
  }
  const places = folders(env);
  const handler = setting('handler');
  const wanted = handler ? parseHandler(handler, places) : bySystem(style, env, places);
  return { style: style || null, signature: env.FUNCTION_SIGNATURE_TYPE || null, settings: settingsOf(setting), ...wanted };
}

function settingsOf(setting) {
  return { eventData: setting('event_data'), body: setting('handler_body') };
}

function byEnvironment(env) {
  if (env.FUNCTION_TARGET) return 'http';
  if (env._HANDLER) return 'lambda';
  if (env.MOD_NAME && env.FUNC_HANDLER) return 'kubeless';
  return '';
}

function folders(env) {
  const found = [process.cwd(), env.FUNCTION_SOURCE, env.LAMBDA_TASK_ROOT, '/kubeless'];
  return [...new Set(found.filter(Boolean).map((folder) => path.resolve(folder)))];
}

/** `module.function`, `path/file.ext:function`, or a file alone. */
function parseHandler(handler, places) {
  const colon = handler.lastIndexOf(':');
  let file = handler;
  let name = '';
  if (colon > 0) {
    file = handler.slice(0, colon);
    name = handler.slice(colon + 1);
  } else if (!/\.[cm]?js$/.test(handler)) {
    // The file goes up to the first dot of its last part, as Lambda has it.
    const slash = handler.lastIndexOf('/') + 1;
    const dot = handler.indexOf('.', slash);
    if (dot > 0) {
      file = handler.slice(0, dot);
      name = handler.slice(dot + 1);
    }
  }
  return { files: places.map((folder) => path.resolve(folder, file)), names: name ? [name] : [], explicit: true };
}

function bySystem(style, env, places) {
  if (style === 'http' && (env.FUNCTION_TARGET || env.FUNCTION_SOURCE)) return functionsFramework(env);
  if (style === 'lambda' && env._HANDLER) return parseHandler(env._HANDLER, first(env.LAMBDA_TASK_ROOT, places));
  if (style === 'kubeless' && env.MOD_NAME) {
    return { files: under(first('/kubeless', places), [env.MOD_NAME]), names: env.FUNC_HANDLER ? [env.FUNC_HANDLER] : [], explicit: true };
  }
  const files = under(places, ['function', 'handler', 'function/handler', 'index', 'main']);
  return { files: [...files, ...places], names: [], explicit: false };
}

function first(place, places) {
  return place ? [...new Set([path.resolve(place), ...places])] : places;
}

/** The source is a module, or a folder with a package or a function.js. */
function functionsFramework(env) {
  const source = path.resolve(env.FUNCTION_SOURCE || '');
  return {
    files: [source, path.join(source, 'function'), path.join(source, 'index')],
    names: [env.FUNCTION_TARGET || 'function'],
    explicit: true,
  };
}

function under(places, names) {
  return places.flatMap((folder) => names.map((name) => path.join(folder, name)));
}

module.exports = { choose, STYLES };
