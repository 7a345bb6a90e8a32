'use strict';
// Prints this runtime as one file, which starts some milliseconds sooner than twenty: node bundle.js >worker.js.
// The folder modules/ has to lie beside it: what is found there, functions ask for by name.

const fs = require('node:fs');
const path = require('node:path');

const FOLDERS = ['.', 'styles', 'http'];
const TOOLS = new Set(['bench.js', 'bundle.js']);

/** What stands in for require inside: our own files by their path from here, all else from outside. */
const LOADER = `
function load(name) {
  const had = loaded.get(name);
  if (had !== undefined) return had.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  const find = (wanted) => (wanted[0] === '.' ? load(outside('node:path').posix.join(name, '..', wanted) + '.js') : outside(wanted));
  files[name](module, module.exports, Object.assign(find, { cache: outside.cache, resolve: outside.resolve }));
  return module.exports;
}
load('worker.js');
`;

function bundle() {
  const names = FOLDERS.flatMap((folder) => fs.readdirSync(path.join(__dirname, folder)).filter((name) => name.endsWith('.js')).map((name) => path.posix.join(folder, name)));
  const files = names.filter((name) => !TOOLS.has(name)).sort().map((name) => {
    const text = fs.readFileSync(path.join(__dirname, name), 'utf8');
    return `${JSON.stringify(name)}(module, exports, require) {\n${text}},\n`;
  });
  return `'use strict';\nconst outside = require;\nconst loaded = new Map();\nconst files = {\n${files.join('')}};\n${LOADER}`;
}

if (require.main === module) process.stdout.write(bundle());

module.exports = { bundle };
