'use strict';
// One call: what came with it, its body, its answer, and how far all that has got.

const { HEADER_BYTES, MAX_PAYLOAD, T, RAISED, Broken, readFields, readU32, writeU32, writeHeader, utf8, fieldText } = require('./frame');

/** Body bytes that heeler may send on each call before it hears of more room. */
const WINDOW_BYTES = 1024 * 1024;
/** Room given back in pieces of this size, not with every frame. */
const GRANT_BYTES = WINDOW_BYTES / 4;
const CALL_HEAD = 20;
const REPLY_HEAD = 12;
const ERROR_HEAD = 8;
const FIXED_FIELDS = 6;
const UNKNOWN = 0xffffffff;
const EMPTY = Buffer.alloc(0);
const REQUEST = 0;
const EVENT = 1;
const BATCH = 2;

class Call {
  constructor(serving, id, last, buf, start, end, owned) {
    if (end - start < CALL_HEAD) throw new Broken(`a call of ${end - start} bytes, its head alone has ${CALL_HEAD}`);
    const fieldsEnd = start + CALL_HEAD + readU32(buf, start + 4);
    if (fieldsEnd > end) throw new Broken('a call whose fields go past its frame');
    this.serving = serving;
    this.link = serving.link;
    this.id = id;
    this.kind = buf[start];
    this.version = buf[start + 1];
    if (this.kind > BATCH) throw new Broken(`a call of kind ${this.kind}`);
    const count = (buf[start + 2] << 8) | buf[start + 3];
    this.attributeCount = this.kind === BATCH ? 0 : count;
    /** The events of a batch, once they are here; how many there will be until then. */
    this.events = this.kind === BATCH ? count : null;
    this.timeoutMs = readU32(buf, start + 8);
    const high = readU32(buf, start + 12);
    this.bodyLength = high === UNKNOWN ? -1 : high * 4294967296 + readU32(buf, start + 16);
    this.fields = readFields(buf, start + CALL_HEAD, fieldsEnd);
    if (this.fields.length % 2 !== 0 || this.fields.length < FIXED_FIELDS + 2 * this.attributeCount) {
      throw new Broken(`a call with ${this.fields.length} fields`);
    }
    this.began = process.hrtime();
    this.arrivedMs = this.timeoutMs === 0 ? 0 : Date.now();
    this.sendWindow = serving.peerWindow;
    this.pieces = null;
    this.takePiece = null;
    this.first = fieldsEnd === end ? EMPTY : owned ? buf.subarray(fieldsEnd, end) : Buffer.from(buf.subarray(fieldsEnd, end));
    this.inputEnded = last;
    this.uncredited = 0;
    this.received = this.first.length;
    this.granted = WINDOW_BYTES;
    this.headSent = false;
    this.ended = false;
    this.cancelled = false;
    this.acknowledged = false;
    this.started = false;
    this.codeEnded = false;
    this.queue = null;
    this.trailers = undefined;
    this.onCancel = null;
    this.onDrain = null;
    this.abort = null;
    this.lines = null;
  }

  get method() { return this.fields[0]; }
  get path() { return this.fields[1]; }
  get query() { return this.fields[2]; }
  get scheme() { return this.fields[3]; }
  get remote() { return this.fields[4]; }
  get callId() { return this.fields[5]; }
  get isEvent() { return this.kind === EVENT; }
  get isRequest() { return this.kind === REQUEST; }
  /** Where the header pairs begin in `fields`; they go to its end. */
  get headersFrom() { return FIXED_FIELDS + 2 * this.attributeCount; }
  get url() { return this.query === '' ? this.path : `${this.path}?${this.query}`; }

  /** The first header of that name (lower case), or undefined. */
  header(name) {
    const fields = this.fields;
    for (let at = this.headersFrom; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
    return undefined;
  }

  /** The decoded attributes of an event. */
  attributes() {
    const found = {};
    for (let at = FIXED_FIELDS; at < this.headersFrom; at += 2) found[utf8(this.fields[at])] = utf8(this.fields[at + 1]);
    return found;
  }

  /** Milliseconds until the deadline; without one what `otherwise` says. */
  remainingMs(otherwise) {
    return this.timeoutMs === 0 ? otherwise : Math.max(0, this.arrivedMs + this.timeoutMs - Date.now());
  }

  /** An AbortSignal that fires when nobody waits for this call any more. */
  get signal() {
    if (this.abort === null) {
      this.abort = new AbortController();
      if (this.cancelled) this.abort.abort();
    }
    return this.abort.signal;
  }

  // ---- the request's body

  /** A further piece came. */
  data(piece, last) {
    this.received += piece.length;
    if (this.received > this.granted) throw new Broken(`${this.received} body bytes where ${this.granted} were allowed`);
    this.inputEnded = last;
    if (this.takePiece !== null) this.serving.inCall(this, this.takePiece, piece);
    else if (this.ended || this.cancelled) this.credit(piece.length);
    else (this.pieces ??= []).push(piece);
  }

  /** Body bytes have found their place: heeler may send as many more. */
  credit(bytes) {
    this.uncredited += bytes;
    if (this.inputEnded || this.uncredited < GRANT_BYTES) return;
    const room = Buffer.allocUnsafe(4);
    room.writeUInt32BE(this.uncredited);
    this.granted += this.uncredited;
    this.uncredited = 0;
    this.link.send(T.WINDOW, false, this.id, room);
  }

  /** Hands all that has come to `take` and all that comes later too; the taker says `credit`. */
  drainInto(take) {
    const piece = this.pieces === null ? this.first : Buffer.concat([this.first, ...this.pieces]);
    this.pieces = null;
    this.first = EMPTY;
    this.takePiece = take;
    take(piece);
  }

  get bodyIsHere() {
    return this.inputEnded && this.pieces === null;
  }

  /** Calls back when the whole body is in `first`. */
  gather(then) {
    const parts = [];
    this.drainInto((piece) => {
      if (piece.length > 0) parts.push(piece);
      this.credit(piece.length);
      if (!this.inputEnded || this.takePiece === null) return;
      this.takePiece = null;
      this.first = parts.length === 1 ? parts[0] : Buffer.concat(parts);
      if (!this.cancelled) then();
    });
  }

  /** A batch for a function that knows no lists of events is the request that carries one. */
  becomeRequest(fields, body) {
    this.kind = REQUEST;
    this.events = null;
    this.fields = fields;
    this.first = body;
    this.bodyLength = body.length;
  }

  // ---- the answer

  /** Head and whole body in one. `fields` are header pairs as they go over the wire; `body` is a string or a buffer. */
  reply(status, fields, body, attributeCount = 0, isEvent = false) {
    if (this.ended || this.cancelled || this.headSent) return;
    const bound = REPLY_HEAD + fields.length + (typeof body === 'string' ? body.length * 3 : body.length);
    if (bound > MAX_PAYLOAD || bound > this.sendWindow) {
      this.begin(status, fields, attributeCount, isEvent);
      this.write(typeof body === 'string' ? Buffer.from(body) : body);
      this.end();
      return;
    }
    this.flushLines();
    const out = this.link.room(HEADER_BYTES + bound);
    const at = this.link.used;
    const bodyAt = this.replyHead(out, at, status, fields, attributeCount, isEvent, this.micros());
    const size = typeof body === 'string' ? out.utf8Write(body, bodyAt) : body.copy(out, bodyAt);
    writeHeader(out, at, REPLY_HEAD + fields.length + size, T.REPLY, true, this.id);
    this.link.wrote(bodyAt + size - at);
    this.headSent = true;
    this.close();
  }

  /** The head alone; the body follows by `write` and `end`. */
  begin(status, fields, attributeCount = 0, isEvent = false) {
    if (this.ended || this.cancelled || this.headSent) return;
    if (REPLY_HEAD + fields.length > MAX_PAYLOAD) throw new RangeError(`a head of ${fields.length} bytes, at most ${MAX_PAYLOAD - REPLY_HEAD} are allowed`);
    const size = HEADER_BYTES + REPLY_HEAD + fields.length;
    const out = this.link.room(size);
    const at = this.link.used;
    this.replyHead(out, at, status, fields, attributeCount, isEvent, 0);
    writeHeader(out, at, size - HEADER_BYTES, T.REPLY, false, this.id);
    this.link.wrote(size);
    this.headSent = true;
  }

  replyHead(out, at, status, fields, attributeCount, isEvent, micros) {
    const head = at + HEADER_BYTES;
    out[head] = isEvent ? 1 : 0;
    out[head + 1] = attributeCount;
    out[head + 2] = status >>> 8;
    out[head + 3] = status;
    writeU32(out, head + 4, fields.length);
    writeU32(out, head + 8, micros);
    if (fields.length > 0) out.latin1Write(fields, head + REPLY_HEAD);
    return head + REPLY_HEAD + fields.length;
  }

  /** Body bytes; false when they have to wait for the caller. The buffer must not change any more. */
  write(bytes) {
    if (this.ended || this.cancelled || bytes.length === 0) return true;
    if (this.queue === null && bytes.length <= this.sendWindow) this.pass(bytes);
    else (this.queue ??= []).push(bytes);
    this.pump();
    return this.queue === null && this.link.waiting === 0;
  }

  pass(bytes) {
    this.sendWindow -= bytes.length;
    for (let at = 0; at < bytes.length; at += MAX_PAYLOAD) {
      this.link.sendBody(T.DATA, false, this.id, bytes.subarray(at, at + MAX_PAYLOAD));
    }
  }

  /** Sends of the queue what the window allows. */
  pump() {
    while (this.queue !== null && this.sendWindow > 0) {
      const next = this.queue[0];
      if (next.length > this.sendWindow) {
        this.queue[0] = next.subarray(this.sendWindow);
        this.pass(next.subarray(0, this.sendWindow));
        return;
      }
      this.pass(next);
      this.queue.shift();
      if (this.queue.length === 0) this.queue = null;
    }
    if (this.queue !== null) return;
    if (this.trailers !== undefined) this.endNow();
    else if (this.onDrain !== null) this.link.whenDrained(() => this.tellDrained());
  }

  tellDrained() {
    if (this.queue !== null || this.onDrain === null || this.ended) return;
    const tell = this.onDrain;
    this.onDrain = null;
    this.serving.inCall(this, tell);
  }

  /** Room from heeler. */
  window(bytes) {
    this.sendWindow += bytes;
    this.pump();
  }

  /** The body is complete; `trailers` are pairs as they go over the wire. */
  end(trailers = '') {
    if (this.ended || this.cancelled || this.trailers !== undefined) return;
    this.trailers = trailers;
    if (this.queue === null) this.endNow();
  }

  endNow() {
    this.flushLines();
    const payload = Buffer.allocUnsafe(4 + this.trailers.length);
    writeU32(payload, 0, this.micros());
    payload.latin1Write(this.trailers, 4);
    this.link.send(T.END, true, this.id, payload);
    this.close();
  }

  /** The call failed. Type, message and stack go to the log; the caller learns the type alone. */
  fail(error, { kind = RAISED, retry = false, status = 0 } = {}) {
    if (this.ended) return;
    if (this.cancelled) return void this.log(3, 3, describe(error).stack);
    this.flushLines();
    const { type, message, stack } = describe(error);
    const text = Buffer.from(`${fieldText(type)}\0${fieldText(message)}\0${fieldText(stack)}\0`);
    const payload = Buffer.alloc(Math.min(ERROR_HEAD + text.length, 65536));
    payload[0] = kind;
    payload[1] = retry ? 1 : 0;
    payload.writeUInt16BE(status, 2);
    writeU32(payload, 4, this.micros());
    text.copy(payload, ERROR_HEAD);
    payload[payload.length - 1] = 0;
    this.link.send(T.ERROR, true, this.id, payload);
    this.headSent = true;
    this.close(true);
  }

  /** Our side has said its last; the stream is over when heeler has too. */
  close(atOnce = false) {
    this.ended = true;
    this.queue = null;
    this.serving.answered(this, atOnce);
    if (this.inputEnded || atOnce) return;
    // Nobody reads the rest: it is dropped, so that heeler can bring it to its end. Whoever is reading it goes on.
    if (this.takePiece === null) this.drainInto((piece) => this.credit(piece.length));
  }

  // ---- its end

  /** Nobody waits any more. */
  cancel() {
    this.cancelled = true;
    this.queue = null;
    if (this.codeEnded || !this.started) return this.acknowledge(true);
    // Most code is about to end, or ends by the signal below: such a call is said to be over, and not first to run on. A
    // worker of which half is said to run on for nobody is replaced, and many callers may leave at once.
    setImmediate(() => this.acknowledge(false));
    if (this.abort !== null) this.serving.inCall(this, () => this.abort.abort());
    if (this.onCancel !== null) this.serving.inCall(this, this.onCancel);
    return undefined;
  }

  /** The function's code has come to its end. */
  settle() {
    if (this.codeEnded) return;
    this.codeEnded = true;
    if (this.cancelled) this.acknowledge(true);
  }

  acknowledge(last) {
    if (this.acknowledged) return;
    this.acknowledged = last;
    if (last) this.flushLines();
    this.link.send(T.CANCELLED, last, this.id, EMPTY);
    if (!last) return;
    this.ended = true;
    this.serving.answered(this, true);
  }

  micros() {
    const [seconds, nanos] = process.hrtime(this.began);
    return Math.min(UNKNOWN, Math.round(seconds * 1e6 + nanos / 1e3));
  }

  // ---- its log

  log(level, source, text) {
    this.serving.log(this.ended ? 0 : this.id, level, source, text);
  }

  /** What was printed without an end of line goes out before the last frame. */
  flushLines() {
    if (this.lines !== null) this.lines.flush();
  }
}

/** What is said of anything that was thrown; anything can be thrown. */
function describe(error) {
  try {
    if (error instanceof Error || (error && typeof error === 'object' && 'message' in error)) {
      const type = error.name || error.constructor?.name || 'Error';
      return { type: String(type), message: String(error.message), stack: String(error.stack ?? error.message) };
    }
    const text = typeof error === 'string' ? error : require('node:util').inspect(error);
    return { type: error === null ? 'null' : typeof error, message: text, stack: text };
  } catch {
    return { type: 'Error', message: 'an error that cannot be shown', stack: '' };
  }
}

module.exports = { Call, describe, EMPTY, WINDOW_BYTES };
