'use strict';
// The request as Node's http gives it, with what Express adds. The functions of others put their own prototypes under it
// (Express does so to each request), so that all that this file keeps is in the object itself.

const { Readable } = require('node:stream');
const { EventEmitter } = require('node:events');
const { headersOf } = require('./headers');

const STREAM = { autoDestroy: false, highWaterMark: 65536 };

/** What is left of a connection. It exists because so much code looks at it. */
class Connection extends EventEmitter {
  constructor(call) {
    super();
    this.remoteAddress = call.remote || undefined;
    this.remoteFamily = call.remote.includes(':') ? 'IPv6' : 'IPv4';
    this.encrypted = call.scheme === 'https';
    this.readable = true;
    this.writable = true;
    this.destroyed = false;
  }

  setTimeout() { return this; }
  setNoDelay() { return this; }
  setKeepAlive() { return this; }
  ref() { return this; }
  unref() { return this; }
  cork() {}
  uncork() {}
  resume() { return this; }
  pause() { return this; }
  destroy() { this.destroyed = true; return this; }
}

class Request extends Readable {
  constructor(call) {
    super(STREAM);
    this.call = call;
    this.method = call.method;
    this.url = call.url;
    this.originalUrl = this.url;
    this.baseUrl = '';
    this.headers = headersOf(call);
    this.rawHeaders = call.fields.slice(call.headersFrom);
    this.httpVersionMajor = call.version === 20 ? 2 : 1;
    this.httpVersionMinor = call.version === 11 ? 1 : 0;
    this.httpVersion = `${this.httpVersionMajor}.${this.httpVersionMinor}`;
    this.socket = new Connection(call);
    this.complete = call.bodyIsHere;
    this.aborted = false;
    this.upgrade = false;
    this.trailers = {};
    this.rawTrailers = [];
    this.params = {};
    this.res = null;
    this.next = null;
    this._read = read;
    this._pending = null;
    this._wants = false;
    this._gotAll = false;
    this._consumed = true;
  }

  get connection() { return this.socket; }
  setTimeout() { return this; }

  get(name) {
    if (!name) throw new TypeError('name argument is required to req.get');
    if (typeof name !== 'string') throw new TypeError('name must be a string to req.get');
    const lower = name.toLowerCase();
    if (lower === 'referer' || lower === 'referrer') return this.headers.referrer || this.headers.referer;
    return this.headers[lower];
  }

  header(name) { return this.get(name); }

  get path() {
    const mark = this.url.indexOf('?');
    return mark < 0 ? this.url : this.url.slice(0, mark);
  }

  get query() {
    const mark = this.url.indexOf('?');
    return require('node:querystring').parse(mark < 0 ? '' : this.url.slice(mark + 1));
  }

  get protocol() { return first(this.get('x-forwarded-proto')) || (this.socket.encrypted ? 'https' : 'http'); }
  get secure() { return this.protocol === 'https'; }
  get ips() { return (this.get('x-forwarded-for') || '').split(/ *, */).filter(Boolean); }
  get ip() { return this.ips[0] || this.socket.remoteAddress; }
  get host() { return first(this.get('x-forwarded-host')) || this.get('host'); }
  get hostname() { return this.host && /^(\[[^\]]*\]|[^:]*)/.exec(this.host)[0]; }
  get xhr() { return (this.get('x-requested-with') || '').toLowerCase() === 'xmlhttprequest'; }
  get stale() { return !this.fresh; }

  /** Whether the caller's copy is as good as the answer. */
  get fresh() {
    if (this.method !== 'GET' && this.method !== 'HEAD') return false;
    const { statusCode } = this.res;
    if ((statusCode < 200 || statusCode >= 300) && statusCode !== 304) return false;
    return isFresh(this.headers, this.res.get('etag'), this.res.get('last-modified'));
  }

  /** Fires when the caller is gone or the deadline has passed. */
  get signal() { return this.call.signal; }
}

/** The body's next piece: of what has been read already, or as heeler sends it. */
function read() {
  this._wants = true;
  if (this._pending === null) {
    this._pending = [];
    this.call.drainInto((piece) => take(this, piece));
  } else {
    pass(this);
  }
}

function take(req, piece) {
  req._pending.push(piece);
  pass(req);
}

function pass(req) {
  const { call, _pending: pending } = req;
  while (req._wants && pending.length > 0) {
    const piece = pending.shift();
    call.credit(piece.length);
    if (piece.length > 0 && !req.push(piece)) req._wants = false;
  }
  if (!call.inputEnded || pending.length > 0 || req._gotAll) return;
  req._gotAll = true;
  req.complete = true;
  req.push(null);
}

/** Of a list the first; a proxy puts its own words behind those that came. */
function first(list) {
  if (list === undefined) return undefined;
  const comma = list.indexOf(',');
  return (comma < 0 ? list : list.slice(0, comma)).trim();
}

function isFresh(headers, etag, modified) {
  const none = headers['if-none-match'];
  const since = headers['if-modified-since'];
  if (none === undefined && since === undefined) return false;
  if (/(?:^|,)\s*no-cache\s*(?:,|$)/.test(headers['cache-control'] ?? '')) return false;
  if (none !== undefined) {
    if (none === '*') return true;
    const bare = (tag) => tag.trim().replace(/^W\//, '');
    return etag !== undefined && none.split(',').some((tag) => bare(tag) === bare(String(etag)));
  }
  return modified !== undefined && Date.parse(modified) <= Date.parse(since);
}

module.exports = { Request };
