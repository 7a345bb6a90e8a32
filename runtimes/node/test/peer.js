'use strict';
// heeler's side of the protocol for tests: starts the worker as a process and speaks with it frame by frame.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { T, HEADER_BYTES, Parser, writeHeader, writeU32 } = require('../frame');

/** Another one is tried by HEELER_TEST_WORKER: the one file that the build makes. */
const WORKER = process.env.HEELER_TEST_WORKER ?? path.join(__dirname, '..', 'worker.js');
const PATIENCE_MS = 20000;
const UNKNOWN = -1;

/** A folder with these files, gone with the test. */
function folder(t, files) {
  const root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'heeler-node-'));
  t?.after(() => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  return root;
}

class Peer {
  constructor({ cwd, env = {}, args = [] }) {
    this.frames = [];
    this.waiters = [];
    this.texts = { stdout: '', stderr: '' };
    this.nextStream = 1;
    const base = { PATH: process.env.PATH, HEELER_FD: '3' };
    this.child = spawn(process.execPath, [...args, WORKER], { cwd, env: { ...base, ...env }, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    this.socket = this.child.stdio[3];
    const parser = new Parser((type, last, stream, buf, start, end) => {
      this.frames.push({ type, last, stream, payload: Buffer.from(buf.subarray(start, end)) });
      this.wake();
    });
    this.socket.on('data', (bytes) => parser.feed(bytes, bytes.length));
    this.socket.on('error', () => {});
    for (const name of ['stdout', 'stderr']) {
      this.child[name].on('data', (bytes) => { this.texts[name] += bytes; this.wake(); });
    }
    this.exited = new Promise((resolve) => this.child.on('close', (code, signal) => { this.code = code ?? signal; this.wake(); resolve(this.code); }));
  }

  wake() {
    for (const waiter of [...this.waiters]) waiter();
  }

  /** Waits until `look()` gives something, or says what there is instead. */
  async until(what, look) {
    let stop;
    const deadline = new Promise((_, reject) => {
      stop = setTimeout(() => reject(new Error(`no ${what}; frames ${JSON.stringify(this.frames.map((f) => [f.type, f.stream]))}, exit ${this.code}, stderr: ${this.texts.stderr}`)), PATIENCE_MS);
    });
    let waiter;
    const found = new Promise((resolve) => {
      waiter = () => {
        const value = look();
        if (value === undefined || value === false) return;
        // At once: what is found is taken, and another look would take more.
        this.waiters.splice(this.waiters.indexOf(waiter), 1);
        resolve(value);
      };
      this.waiters.push(waiter);
      waiter();
    });
    try {
      return await Promise.race([found, deadline]);
    } finally {
      clearTimeout(stop);
      if (this.waiters.includes(waiter)) this.waiters.splice(this.waiters.indexOf(waiter), 1);
    }
  }

  /** The next frame of that type on that stream, taken out. */
  take(type, stream) {
    return this.until(`frame ${type} on stream ${stream}`, () => {
      const at = this.frames.findIndex((frame) => frame.type === type && (stream === undefined || frame.stream === stream));
      return at < 0 ? undefined : this.frames.splice(at, 1)[0];
    });
  }

  send(type, last, stream, payload = Buffer.alloc(0)) {
    this.socket.write(frame(type, last, stream, payload));
  }

  hello({ window = 1 << 20, concurrency = 0, settings = {} } = {}) {
    const head = Buffer.alloc(12);
    head.writeUInt16BE(1, 0);
    writeU32(head, 4, window);
    writeU32(head, 8, concurrency);
    this.send(T.HELLO, false, 0, Buffer.concat([head, pairs(Object.entries(settings))]));
  }

  async greeted(options) {
    this.hello(options);
    const { payload } = await this.until('HELLO', () => {
      return this.frames[0]?.type === T.HELLO ? this.frames.shift() : undefined;
    });
    this.about = { version: payload.readUInt16BE(0), window: payload.readUInt32BE(4), concurrency: payload.readUInt32BE(8), ...fromPairs(payload.subarray(12)) };
    return this;
  }

  start(call = {}) {
    const stream = this.nextStream++;
    this.socket.write(callFrame(stream, call));
    return stream;
  }

  /** One call and its whole answer. */
  async call(call = {}) {
    return this.answer(this.start(call));
  }

  async answer(stream) {
    const logs = [];
    let head = null;
    const pieces = [];
    for (;;) {
      const next = await this.until(`answer on stream ${stream}`, () => {
        const at = this.frames.findIndex((frame) => frame.stream === stream);
        return at < 0 ? undefined : this.frames.splice(at, 1)[0];
      });
      if (next.type === T.LOG) logs.push({ level: next.payload[0], source: next.payload[1], line: next.payload.toString('utf8', 2) });
      else if (next.type === T.ERROR) return { error: readError(next.payload), logs, head };
      else if (next.type === T.REPLY) { head = readReply(next.payload); pieces.push(head.first); }
      else if (next.type === T.DATA) { pieces.push(next.payload); this.grant(stream, next.payload.length); }
      else if (next.type === T.CANCELLED) { if (next.last) return { cancelled: true, logs, head }; }
      else if (next.type === T.END) head.trailers = fromPairs(next.payload.subarray(4));
      if (next.last) {
        const bytes = Buffer.concat(pieces);
        return { ...head, bytes, body: bytes.toString(), logs };
      }
    }
  }

  grant(stream, bytes) {
    if (bytes === 0) return;
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(bytes);
    this.send(T.WINDOW, false, stream, payload);
  }

  /** How the worker ended. */
  ended() {
    return this.until('end of the worker', () => this.code);
  }

  async bye() {
    this.send(T.BYE, false, 0);
    return this.ended();
  }
}

function frame(type, last, stream, payload) {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  writeHeader(bytes, 0, payload.length, type, last, stream);
  payload.copy(bytes, HEADER_BYTES);
  return bytes;
}

function callFrame(stream, { method = 'GET', path: target = '/', query = '', scheme = 'http', remote = '127.0.0.1', id = `id-${stream}`,
  headers = {}, body = '', kind = 0, attributes = {}, count = Object.keys(attributes).length, deadlineMs = 0, last = true, version = 11, length } = {}) {
  const bytes = Buffer.from(body);
  const list = Array.isArray(headers) ? headers : Object.entries(headers);
  const fields = Buffer.concat([
    Buffer.from([method, target, query, scheme, remote, id].map((field) => `${field}\0`).join(''), 'latin1'),
    pairs(Object.entries(attributes)),
    pairs(list, 'latin1'),
  ]);
  const head = Buffer.alloc(20);
  head[0] = kind;
  head[1] = version;
  head.writeUInt16BE(count, 2);
  head.writeUInt32BE(fields.length, 4);
  head.writeUInt32BE(deadlineMs, 8);
  const whole = length ?? (last ? bytes.length : UNKNOWN);
  head.writeBigUInt64BE(whole === UNKNOWN ? 0xffffffffffffffffn : BigInt(whole), 12);
  return frame(T.CALL, last, stream, Buffer.concat([head, fields, bytes]));
}

function pairs(entries, encoding = 'utf8') {
  return Buffer.from(entries.map(([name, value]) => `${name}\0${value}\0`).join(''), encoding);
}

function fromPairs(bytes) {
  const fields = bytes.toString().split('\0').slice(0, -1);
  const found = {};
  for (let at = 0; at < fields.length; at += 2) found[fields[at]] = fields[at + 1];
  return found;
}

function readReply(payload) {
  const length = payload.readUInt32BE(4);
  const fields = payload.toString('latin1', 12, 12 + length).split('\0').slice(0, -1);
  const attributes = {};
  const headers = {};
  for (let at = 0; at < fields.length; at += 2) {
    const into = at < payload[1] * 2 ? attributes : headers;
    const name = fields[at];
    const value = into === attributes ? Buffer.from(fields[at + 1], 'latin1').toString() : fields[at + 1];
    into[name] = into[name] === undefined ? value : [].concat(into[name], value);
  }
  return { kind: payload[0], status: payload.readUInt16BE(2), micros: payload.readUInt32BE(8), attributes, headers, first: payload.subarray(12 + length) };
}

function readError(payload) {
  const [type, message, stack] = payload.toString('utf8', 8).split('\0');
  return { kind: payload[0], retry: payload[1] === 1, status: payload.readUInt16BE(2), type, message, stack };
}

/** A worker that has said hello, ended with the test. */
async function worker(t, files, { settings = {}, env = {}, window, concurrency, args } = {}) {
  const cwd = typeof files === 'string' ? files : folder(t, files);
  const peer = new Peer({ cwd, env, args });
  t?.after(async () => {
    peer.socket.destroy();
    peer.child.kill('SIGKILL');
    await peer.exited;
  });
  return peer.greeted({ settings, window, concurrency });
}

module.exports = { Peer, worker, folder, frame, callFrame, readError, readReply, T };
