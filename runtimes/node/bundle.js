// The end of the one file that heeler's build makes of this folder, since one file starts some milliseconds sooner than
// thirty. Before it stand `outside`, which is Node's own require, and `files`: each file's name, and its text as a function.

const loaded = new Map();

/** What stands in for require inside: our own files by their path from here, all else from outside. */
function load(name) {
  const had = loaded.get(name);
  if (had !== undefined) return had.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  const find = (wanted) => (wanted[0] === '.' ? load(`${outside('node:path').posix.join(name, '..', wanted)}.js`) : outside(wanted));
  files[name](module, module.exports, Object.assign(find, { cache: outside.cache, resolve: outside.resolve }));
  return module.exports;
}

load('worker.js');
