'use strict';
// Where a handler and its test meet: a folder. Every handler of the tests has this module beside it.

const fs = require('node:fs');
const path = require('node:path');

const LONGEST_MS = 60_000;
const GATE = process.env.TESTFN_GATE;
const file = (name) => path.join(GATE, name);

/** Says that it has come so far; each time adds a byte. */
exports.note = (name) => fs.appendFileSync(file(name), 'x');

exports.has = (name) => fs.existsSync(file(name));

/** Resolves when the test has made the file. */
exports.until = async (name) => {
  const end = Date.now() + LONGEST_MS;
  while (!exports.has(name) && Date.now() < end) await new Promise((resolve) => { setTimeout(resolve, 2); });
};

/** Holds up the whole process until then. */
exports.block = (name) => {
  const end = Date.now() + LONGEST_MS;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (!exports.has(name) && Date.now() < end) Atomics.wait(cell, 0, 0, 2);
};
