'use strict';
// Finds the function: which file, which style, which name in it; and says what it saw when it finds none.

const fs = require('node:fs');
const path = require('node:path');
const { choose } = require('./settings');

class LoadError extends Error {
  constructor(message, cause) {
    super(message);
    this.name = 'LoadError';
    this.report = cause === undefined ? `heeler: ${message}` : `heeler: ${message}\n${cause?.stack ?? cause}`;
  }
}

async function load(settings) {
  const wanted = choose(settings, process.env);
  const file = findFile(wanted);
  // What the handler starts by `process.argv[1]`, cluster among others, is the handler's file and not this worker.
  process.argv[1] = file;
  require('./framework').makeResolvable();
  require('./awslambda').install();
  require('./http/express').hideErrors();
  const exported = await importFile(file);
  const { makeStyle } = require('./style');
  const loaded = await makeStyle(wanted, file, exported, LoadError);
  return { ...loaded, about: { style: loaded.name, function: loaded.target, file, ...loaded.about } };
}

/** The first of the wanted places that is a file. */
function findFile(wanted) {
  const tried = [];
  for (const candidate of wanted.files) {
    const found = resolveFile(candidate, tried);
    if (found !== null) {
      rejectTwins(found, wanted);
      return found;
    }
  }
  throw new LoadError(`no file for the handler was found; looked for ${tried.join(', ')}; ${folderListing(tried[0])}`);
}

const ENDINGS = ['', '.js', '.mjs', '.cjs'];

function resolveFile(candidate, tried) {
  for (const ending of ENDINGS) {
    const file = candidate + ending;
    if (ending === '' && path.extname(file) === '') continue;
    tried.push(file);
    if (isFile(file)) return fs.realpathSync(file);
  }
  const main = packageMain(candidate);
  if (main !== null) return main;
  return null;
}

/** A folder that is a package: its `main`, or index.js. */
function packageMain(folder) {
  if (!isFolder(folder)) return null;
  try {
    return fs.realpathSync(require.resolve(folder));
  } catch {
    return null;
  }
}

function rejectTwins(found, wanted) {
  if (wanted.explicit) return;
  const twin = found.replace(/\.[cm]?js$/, '.py');
  if (isFile(twin)) throw new LoadError(`both ${found} and ${twin} are there: name one with its ending in \`handler\``);
}

function isFile(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isFolder(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function folderListing(file) {
  const folder = path.dirname(file);
  try {
    const names = fs.readdirSync(folder).filter((name) => /\.[cm]?js$/.test(name));
    return `${folder} has ${names.length === 0 ? 'no JavaScript files' : names.join(', ')}`;
  } catch {
    return `there is no folder ${folder}`;
  }
}

/** CommonJS by require, anything else by import; what the file is, Node decides by its ending and its package.json. */
async function importFile(file) {
  try {
    if (isModule(file)) return await importModule(file);
    return require(file);
  } catch (error) {
    if (error?.code === 'ERR_REQUIRE_ESM') return importModule(file);
    throw new LoadError(`${file} could not be loaded: ${error?.message ?? error}`, error);
  }
}

async function importModule(file) {
  require('./framework').makeImportable(file);
  const module = await import(require('node:url').pathToFileURL(file).href);
  return module;
}

function isModule(file) {
  if (file.endsWith('.mjs')) return true;
  if (file.endsWith('.cjs')) return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json');
    if (isFile(manifest)) return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
    if (folder === path.dirname(folder) || path.basename(folder) === 'node_modules') return false;
  }
}

module.exports = { load, LoadError };
