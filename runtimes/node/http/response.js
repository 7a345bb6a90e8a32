'use strict';
// The answer as Node's http takes it. What a handler or a middleware replaces or calls is in the object itself and not in
// its prototype, because Express and others put their own prototypes under it.

const { EventEmitter } = require('node:events');
const { checkValue, coded, lowerName } = require('./headers');

const EMPTY = Buffer.alloc(0);
class Response extends EventEmitter {
  constructor(call, req) {
    super();
    this.call = call;
    this.req = req;
    this.socket = req.socket;
    this.statusCode = 200;
    this.statusMessage = undefined;
    this.locals = {};
    this.sendDate = true;
    this.finished = false;
    this.destroyed = false;
    this.shouldKeepAlive = true;
    this._header = null;
    this._headers = new Map();
    this._trailers = '';
    // By these marks Node's own stream functions know an answer of http.
    this._sent100 = false;
    this._removedConnection = false;
    this._removedContLen = false;
    this._removedTE = false;
    this._closed = false;
    this.outputSize = 0;
    this._contentLength = null;
    this._hasBody = req.method !== 'HEAD';
    this.setHeader = setHeader;
    this.appendHeader = appendHeader;
    this.getHeader = getHeader;
    this.hasHeader = hasHeader;
    this.removeHeader = removeHeader;
    this.getHeaders = getHeaders;
    this.getHeaderNames = getHeaderNames;
    this.setHeaders = setHeaders;
    this.writeHead = writeHead;
    this.flushHeaders = flushHeaders;
    this._implicitHeader = implicitHeader;
    this.write = write;
    this.end = end;
    this.addTrailers = addTrailers;
    this.destroy = destroy;
    this.setTimeout = same;
    this.writeContinue = nothing;
    this.writeProcessing = nothing;
    this.writeEarlyHints = nothing;
    this.cork = nothing;
    this.uncork = nothing;
  }

  get headersSent() { return this._header !== null; }
  get writableEnded() { return this.finished; }
  get writableFinished() { return this.finished; }
  get writable() { return !this.destroyed; }
  get writableLength() { return 0; }
  get writableHighWaterMark() { return 65536; }
  get writableObjectMode() { return false; }
  get writableNeedDrain() { return !this.destroyed && !this.finished && this.call.queue !== null; }
  get closed() { return this._closed; }
  get connection() { return this.socket; }
}

function same() { return this; }
function nothing() {}

function checkValues(name, value) {
  if (!Array.isArray(value)) return checkValue(name, value);
  for (const one of value) checkValue(name, one);
}

function mustNotBeSent(res, what) {
  if (res._header !== null) throw coded(Error, 'ERR_HTTP_HEADERS_SENT', `Cannot ${what} headers after they are sent to the client`);
}

function setHeader(name, value) {
  mustNotBeSent(this, 'set');
  const lower = lowerName(name);
  checkValues(name, value);
  this._headers.set(lower, value);
  return this;
}

function appendHeader(name, value) {
  mustNotBeSent(this, 'append');
  const lower = lowerName(name);
  checkValues(name, value);
  const had = this._headers.get(lower);
  this._headers.set(lower, had === undefined ? value : [].concat(had, value));
  return this;
}

function getHeader(name) {
  return this._headers.get(lowerName(name));
}

function hasHeader(name) {
  return this._headers.has(lowerName(name));
}

function removeHeader(name) {
  mustNotBeSent(this, 'remove');
  this._headers.delete(lowerName(name));
}

function getHeaders() {
  return Object.assign(Object.create(null), Object.fromEntries(this._headers));
}

function getHeaderNames() {
  return [...this._headers.keys()];
}

function setHeaders(headers) {
  mustNotBeSent(this, 'set');
  for (const [name, value] of headers) this.setHeader(name, value);
  return this;
}

function writeHead(status, reason, headers) {
  mustNotBeSent(this, 'write');
  const code = status | 0;
  if (code < 100 || code > 999) throw coded(RangeError, 'ERR_HTTP_INVALID_STATUS_CODE', `Invalid status code: ${status}`);
  if (typeof reason === 'string') this.statusMessage = reason;
  else headers ??= reason;
  this.statusCode = code;
  if (Array.isArray(headers)) setPairs(this, headers);
  else if (headers) for (const [name, value] of Object.entries(headers)) this.setHeader(name, value);
  this._header = encodeHeaders(this._headers);
  return this;
}

/** A flat list of names and values, or a list of pairs. */
function setPairs(res, list) {
  const flat = Array.isArray(list[0]) ? list.flat() : list;
  for (let at = 0; at < flat.length; at += 2) res.removeHeader(flat[at]);
  for (let at = 0; at < flat.length; at += 2) res.appendHeader(flat[at], flat[at + 1]);
}

function implicitHeader() {
  this.writeHead(this.statusCode);
}

function encodeHeaders(headers) {
  let fields = '';
  for (const [name, value] of headers) {
    if (Array.isArray(value)) for (const one of value) fields += `${name}\0${one}\0`;
    else fields += `${name}\0${value}\0`;
  }
  return fields;
}

/** The head goes out alone: a body follows piece by piece. */
function flushHeaders() {
  if (this._header === null) this._implicitHeader();
  if (!this.call.headSent) this.call.begin(this.statusCode, this._header);
}

function toBuffer(chunk, encoding) {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding);
  if (chunk instanceof Uint8Array) return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw coded(TypeError, 'ERR_INVALID_ARG_TYPE', `The "chunk" argument must be of type string or an instance of Buffer or Uint8Array. Received ${chunk === null ? 'null' : typeof chunk}`);
}

function write(chunk, encoding, then) {
  if (typeof encoding === 'function') [then, encoding] = [encoding, undefined];
  const bytes = toBuffer(chunk, encoding);
  if (this.finished) {
    const error = coded(Error, 'ERR_STREAM_WRITE_AFTER_END', 'write after end');
    process.nextTick(() => { this.emit('error', error); if (then) then(error); });
    return false;
  }
  if (this.destroyed) return false;
  flushHeaders.call(this);
  const room = !this._hasBody || this.call.write(bytes);
  if (!room) this.call.onDrain = () => this.emit('drain');
  if (then) process.nextTick(then);
  return room;
}

function end(chunk, encoding, then) {
  if (typeof chunk === 'function') [then, chunk] = [chunk, null];
  else if (typeof encoding === 'function') [then, encoding] = [encoding, undefined];
  if (this.finished || this.destroyed) {
    if (then) process.nextTick(then, coded(Error, 'ERR_STREAM_ALREADY_FINISHED', 'Cannot call end after a stream was finished'));
    return this;
  }
  const had = chunk !== undefined && chunk !== null;
  const text = typeof chunk === 'string' && (encoding === undefined || encoding === 'utf8' || encoding === 'utf-8');
  const body = !had ? EMPTY : text ? chunk : toBuffer(chunk, encoding);
  if (then) this.once('finish', then);
  if (this._header === null) this._implicitHeader();
  if (!this.call.headSent && this._trailers === '') {
    this.finished = true;
    this.call.reply(this.statusCode, this._header, this._hasBody ? body : EMPTY);
  } else {
    flushHeaders.call(this);
    if (this._hasBody) this.call.write(typeof body === 'string' ? Buffer.from(body) : body);
    this.finished = true;
    this.call.end(this._trailers);
  }
  if (ending.push(this) === 1) process.nextTick(finishAll);
  return this;
}

/** Answers that have ended since the last tick: one tick for all of them is a good deal cheaper than one for each. */
let ending = [];

function finishAll() {
  const all = ending;
  ending = [];
  for (const res of all) {
    if (res._eventsCount > 0 || res.req._eventsCount > 0) res.call.serving.inCall(res.call, finish, res);
    else finish(res);
  }
}

/** The events that tell of the end, and the end of the function's code where nothing else tells it. */
function finish(res) {
  res.emit('finish');
  close(res);
}

function close(res) {
  if (res._closed) return;
  res._closed = true;
  res.emit('close');
  const { req } = res;
  if (!req.destroyed && req.listenerCount('close') > 0) req.emit('close');
  if (res.onClosed) res.onClosed();
}

function addTrailers(trailers) {
  const pairs = Array.isArray(trailers) ? trailers : Object.entries(trailers);
  for (const [name, value] of pairs) {
    checkValue(name, value);
    this._trailers += `${lowerName(name)}\0${value}\0`;
  }
}

/** The answer is given up: cut if it has begun. */
function destroy(error) {
  if (this.destroyed) return this;
  this.destroyed = true;
  this.socket.destroyed = true;
  if (!this.finished) this.call.fail(error ?? new Error('the function destroyed its answer'));
  process.nextTick(() => {
    if (error && this.listenerCount('error') > 0) this.emit('error', error);
    close(this);
  });
  return this;
}

/** The caller has gone: what Node tells a request and its answer then. */
function abandon(req, res) {
  res.destroyed = true;
  res.socket.destroyed = true;
  res.socket.writable = false;
  req.aborted = true;
  req.emit('aborted');
  if (!req.readableEnded && !req.complete) req.destroy(req.listenerCount('error') > 0 ? coded(Error, 'ECONNRESET', 'aborted') : undefined);
  res.socket.emit('close');
  close(res);
}

module.exports = { Response, abandon };
