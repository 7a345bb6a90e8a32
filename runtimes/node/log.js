'use strict';
// What a call prints goes to heeler as LOG frames with the call's number, so that its line in the log has the call's id.
// What is printed outside of a call goes to the real streams as ever.

const { T, fieldText } = require('./frame');

const LINE_BYTES = 64 * 1024;
const INFO = 1;
const LEVELS = { debug: 0, warn: 2, error: 3, trace: 3, assert: 3 };

/** The level of what console is just printing, or null. */
let consoleLevel = null;

/** Lines of one call, one row per stream it prints to. */
class Lines {
  constructor(call) {
    this.call = call;
    this.rest = ['', '', ''];
    this.level = INFO;
  }

  print(source, text, level) {
    this.level = level;
    const lines = (this.rest[source] + text).split('\n');
    this.rest[source] = lines.pop();
    for (const line of lines) this.call.log(level, source, line);
    if (this.rest[source].length > LINE_BYTES) this.flush();
  }

  flush() {
    for (let source = 1; source < this.rest.length; source++) {
      const rest = this.rest[source];
      this.rest[source] = '';
      if (rest !== '') this.call.log(this.level, source, rest);
    }
  }
}

/** One LOG frame per line; a line that is too long goes in pieces. */
function sendLog(link, stream, level, source, line) {
  const text = Buffer.from(fieldText(line.endsWith('\r') ? line.slice(0, -1) : line));
  for (let at = 0; at === 0 || at < text.length; at += LINE_BYTES) {
    link.send(T.LOG, false, stream, Buffer.concat([Buffer.from([level, source]), text.subarray(at, at + LINE_BYTES)]));
  }
}

/** `current()` is the call whose code is running, if any. */
function capture(link, current) {
  captureStream('stdout', 1, INFO, link, current);
  captureStream('stderr', 2, INFO, link, current);
  for (const [name, level] of Object.entries(LEVELS)) {
    const print = console[name];
    console[name] = {
      [name](...values) {
        const before = consoleLevel;
        consoleLevel = level;
        try {
          return print.apply(this, values);
        } finally {
          consoleLevel = before;
        }
      },
    }[name];
  }
}

/** The stream is made when somebody first asks for it, as Node itself does: that costs more than all of our start. */
function captureStream(name, source, level, link, current) {
  const { get } = Object.getOwnPropertyDescriptor(process, name);
  let stream = null;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get() {
      if (stream === null) {
        stream = get.call(process);
        stream.write = writer(stream, stream.write, source, level, link, current);
      }
      return stream;
    },
  });
}

function writer(stream, write, source, usual, link, current) {
  return function (chunk, encoding, then) {
    const call = current();
    if (call === undefined || call.ended || chunk == null || link.crowded) return write.call(stream, chunk, encoding, then);
    const plain = typeof chunk === 'string' && (typeof encoding !== 'string' || /^utf-?8$/i.test(encoding));
    const text = plain ? chunk : Buffer.from(chunk, encoding).toString();
    (call.lines ??= new Lines(call)).print(source, text, consoleLevel ?? usual);
    const done = typeof encoding === 'function' ? encoding : then;
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
}

module.exports = { capture, sendLog };
