'use strict';
// A warm worker of heeler for functions in JavaScript. Five steps: connect, load, hello, serve, bye.

const { VERSION, T, NOT_LOADED, Broken, readPairs, readU32, writeU32, fieldText } = require('./frame');
const { Link } = require('./link');
const { Serving } = require('./serve');
const { WINDOW_BYTES } = require('./call');

const BROKEN_EXIT = 70;
const NOT_LOADED_EXIT = 1;
const MIN_WINDOW = 65536;
const HELLO_HEAD = 12;
/** A Node function waits far more than it computes. */
const USUAL_CONCURRENCY = 1000;

function main() {
  const fd = /^\d+$/.test(process.env.HEELER_FD ?? '') ? Number(process.env.HEELER_FD) : 1;
  delete process.env.HEELER_FD;
  if (fd === 1 || fd === 2) {
    process.stderr.write('heeler node worker: HEELER_FD names no socket; heeler starts this program, nobody else\n');
    process.exit(BROKEN_EXIT);
  }
  connect(fd);
}

function connect(fd) {
  let serving = null;
  let greeted = false;
  const link = new Link(fd, {
    onFrame(type, last, stream, buf, start, end, owned) {
      if (serving !== null && serving.style !== null) return serving.frame(type, last, stream, buf, start, end, owned);
      if (greeted && type === T.BYE) return process.exit(0);
      if (greeted || type !== T.HELLO || stream !== 0) throw new Broken(`a frame of type ${type} before its time`);
      greeted = true;
      const theirs = readHello(buf, start, end);
      serving = new Serving(link, theirs);
      return void load(serving, theirs.settings);
    },
    onBroken,
    onEnd: () => process.exit(0),
  });
}

/** What is not the protocol's fault is ours, and no better: both end here, with their own words. */
function onBroken(error) {
  const what = error instanceof Broken ? `heeler sent ${error.message}` : error.stack;
  process.stderr.write(`heeler node worker: ${what}\n`);
  process.exit(BROKEN_EXIT);
}

function readHello(buf, start, end) {
  if (end - start < HELLO_HEAD) throw new Broken(`a HELLO of ${end - start} bytes`);
  const version = (buf[start] << 8) | buf[start + 1];
  if (version < VERSION) throw new Broken(`HELLO with version ${version}`);
  const peerWindow = readU32(buf, start + 4);
  if (peerWindow < MIN_WINDOW) throw new Broken(`a window of ${peerWindow} bytes, at least ${MIN_WINDOW} are needed`);
  return { peerWindow, concurrency: readU32(buf, start + 8), settings: readPairs(buf, start + HELLO_HEAD, end) };
}

async function load(serving, settings) {
  require('./log').capture(serving.link, () => serving.call());
  let loaded;
  try {
    loaded = await require('./load').load(settings);
  } catch (error) {
    return notLoaded(serving.link, error);
  }
  serving.concurrency ||= loaded.concurrency ?? USUAL_CONCURRENCY;
  serving.alive = loaded.alive ?? null;
  serving.ready = loaded.ready ?? null;
  serving.onIdle = () => bye(serving.link, loaded.stop);
  require('./faults').watch(serving);
  hello(serving, { ...loaded.about, ...hooksOf(loaded) });
  serving.style = loaded;
}

/** Which of PING's questions the function answers by itself. */
function hooksOf(loaded) {
  const hooks = ['alive', 'ready'].filter((name) => loaded[name]);
  return hooks.length > 0 ? { hooks: hooks.join(' ') } : {};
}

/** heeler's log tells it, stack and all. */
function notLoaded(link, error) {
  const text = fieldText(error.report ?? error.stack ?? error);
  const fields = Buffer.from(`${fieldText(error.name ?? 'Error')}\0${fieldText(error.message ?? error)}\0${text}\0`);
  link.send(T.ERROR, true, 0, Buffer.concat([Buffer.from([NOT_LOADED, 0, 0, 0, 0, 0, 0, 0]), fields]));
  link.whenDrained(() => process.exit(NOT_LOADED_EXIT));
}

function hello(serving, about) {
  const head = Buffer.alloc(HELLO_HEAD);
  head.writeUInt16BE(VERSION, 0);
  writeU32(head, 4, WINDOW_BYTES);
  writeU32(head, 8, serving.concurrency);
  const pairs = Object.entries({ language: 'node', version: process.versions.node, ...about });
  const text = pairs.map(([name, value]) => `${name}\0${fieldText(value)}\0`).join('');
  serving.link.send(T.HELLO, false, 0, Buffer.concat([head, Buffer.from(text)]));
}

async function bye(link, stop) {
  let code = 0;
  try {
    if (stop) await stop();
  } catch (error) {
    process.stderr.write(`heeler node worker: the function's stop hook failed: ${error?.stack ?? error}\n`);
    code = 1;
  }
  link.whenDrained(() => process.exit(code));
}

main();
