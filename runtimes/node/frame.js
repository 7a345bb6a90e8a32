'use strict';
// The frames of docs/wire.md: their numbers, and how bytes become frames. It knows nothing of sockets and calls.

const VERSION = 1;
const HEADER_BYTES = 12;
const MAX_PAYLOAD = 262144;
const LAST = 1;
/** Types from here on may be passed over by whoever does not know them. */
const OPTIONAL = 128;

const T = {
  HELLO: 1, CALL: 2, DATA: 3, END: 4, REPLY: 5, ERROR: 6, CANCEL: 7,
  CANCELLED: 8, WINDOW: 9, PING: 10, PONG: 11, LOG: 12, BYE: 13,
};

/** What kind of failure an ERROR frame tells. */
const RAISED = 0;
const CRASHED = 1;
const NOT_LOADED = 3;

/** The other side broke the protocol: there is no way to go on with it. */
class Broken extends Error {}

/**
 * Cuts a stream of bytes into frames. A frame that came whole is shown where it lies (`owned` is false: its bytes are
 * overwritten by the next read); one that came in pieces is gathered in a buffer of its own.
 */
class Parser {
  /** @param onFrame (type, last, stream, buffer, start, end, owned) */
  constructor(onFrame) {
    this.onFrame = onFrame;
    this.header = Buffer.alloc(HEADER_BYTES);
    this.headerHas = 0;
    this.payload = null;
    this.payloadHas = 0;
  }

  feed(buf, size) {
    let at = 0;
    while (at < size) {
      if (this.payload !== null) {
        at += this.gather(buf, at, size);
      } else if (this.headerHas === 0 && size - at >= HEADER_BYTES) {
        const length = payloadLength(buf, at);
        const end = at + HEADER_BYTES + length;
        if (end > size) {
          buf.copy(this.header, 0, at, at + HEADER_BYTES);
          this.begin(length);
          at += HEADER_BYTES;
        } else {
          this.show(buf, at, buf, at + HEADER_BYTES, end, false);
          at = end;
        }
      } else {
        const take = Math.min(HEADER_BYTES - this.headerHas, size - at);
        buf.copy(this.header, this.headerHas, at, at + take);
        this.headerHas += take;
        at += take;
        if (this.headerHas === HEADER_BYTES) this.begin(payloadLength(this.header, 0));
      }
    }
  }

  begin(length) {
    this.payload = Buffer.allocUnsafeSlow(length);
    this.payloadHas = 0;
    if (length === 0) this.finish();
  }

  gather(buf, at, size) {
    const take = Math.min(this.payload.length - this.payloadHas, size - at);
    buf.copy(this.payload, this.payloadHas, at, at + take);
    this.payloadHas += take;
    if (this.payloadHas === this.payload.length) this.finish();
    return take;
  }

  finish() {
    const payload = this.payload;
    this.payload = null;
    this.headerHas = 0;
    this.show(this.header, 0, payload, 0, payload.length, true);
  }

  show(header, at, buf, start, end, owned) {
    const type = header[at + 4];
    const flags = header[at + 5];
    // Frames of a later version: what they mean by their other bytes is theirs.
    if (type >= OPTIONAL) return;
    if (flags > LAST) throw new Broken(`frame type ${type} has flags ${flags}, only ${LAST} is known`);
    if (header[at + 6] !== 0 || header[at + 7] !== 0) throw new Broken(`frame type ${type} has bytes 6 and 7 not zero`);
    const stream = readU32(header, at + 8);
    this.onFrame(type, flags === LAST, stream, buf, start, end, owned);
  }
}

function payloadLength(buf, at) {
  const length = readU32(buf, at);
  if (length > MAX_PAYLOAD) throw new Broken(`a frame of ${length} bytes, at most ${MAX_PAYLOAD} are allowed`);
  return length;
}

function readU32(buf, at) {
  return buf[at] * 16777216 + ((buf[at + 1] << 16) | (buf[at + 2] << 8) | buf[at + 3]);
}

function writeU32(buf, at, value) {
  buf[at] = value >>> 24;
  buf[at + 1] = value >>> 16;
  buf[at + 2] = value >>> 8;
  buf[at + 3] = value;
}

function writeHeader(buf, at, length, type, last, stream) {
  writeU32(buf, at, length);
  buf[at + 4] = type;
  buf[at + 5] = last ? LAST : 0;
  buf[at + 6] = 0;
  buf[at + 7] = 0;
  writeU32(buf, at + 8, stream);
}

/** Text fields of a frame, each ended by one NUL; bytes pass unchanged as Latin-1. */
function readFields(buf, start, end) {
  if (start === end) return [];
  if (buf[end - 1] !== 0) throw new Broken('a field does not end with NUL');
  const text = buf.latin1Slice(start, end);
  const fields = [];
  // For heads as they usually are this takes half of the time of `split`.
  for (let at = 0, end; at < text.length; at = end + 1) {
    end = text.indexOf('\0', at);
    fields.push(text.slice(at, end));
  }
  return fields;
}

/** What was read as Latin-1 and is text: UTF-8 where it holds more than ASCII. */
function utf8(field) {
  return /[\x80-\xff]/.test(field) ? Buffer.from(field, 'latin1').toString() : field;
}

function readPairs(buf, start, end) {
  const fields = readFields(buf, start, end);
  if (fields.length % 2 !== 0) throw new Broken(`${fields.length} fields where pairs are expected`);
  const pairs = Object.create(null);
  for (let at = 0; at < fields.length; at += 2) pairs[utf8(fields[at])] = utf8(fields[at + 1]);
  return pairs;
}

/** No field may hold a NUL: it would end there and shift all that follow. */
function fieldText(text) {
  return String(text).replace(/\0/g, '\ufffd');
}

module.exports = {
  VERSION, HEADER_BYTES, MAX_PAYLOAD, T, RAISED, CRASHED, NOT_LOADED,
  Broken, Parser, readU32, writeU32, writeHeader, readFields, readPairs, utf8, fieldText,
};
