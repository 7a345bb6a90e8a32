'use strict';
// A request's body as the functions framework reads it: JSON, text, form or bytes, by the content type.

const { parse } = require('./mime');

/** What is wrong with a body, with the status that tells the caller so. */
class BodyError extends Error {
  constructor(status, message) {
    super(message);
    this.name = 'BodyError';
    this.status = status;
  }
}

const CHARSETS = { 'utf-8': 'utf8', utf8: 'utf8', 'us-ascii': 'latin1', ascii: 'latin1', 'iso-8859-1': 'latin1', latin1: 'latin1', 'utf-16le': 'utf16le', 'utf-16': 'utf16le', 'ucs-2': 'utf16le' };
const MAX_PARAMETERS = 1000;
const MAX_DEPTH = 32;

/** Sets `body` and `rawBody`; without a body or a content type they stay undefined. */
function readBody(req, bytes) {
  const header = req.headers['content-type'];
  const { type, charset } = parse(header);
  const has = bytes.length > 0 || req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined;
  if (!has || type === '') return;
  const plain = inflate(req.headers['content-encoding'], bytes);
  const body = parseBody(type, charset, plain);
  req.rawBody = plain;
  req._body = true;
  req.body = body;
}

function parseBody(type, charset, bytes) {
  if (type === 'application/json' || type === 'application/cloudevents+json') {
    if (charset !== undefined && !charset.startsWith('utf-')) throw unsupported(charset);
    return json(decode(bytes, charset));
  }
  if (type === 'text/plain') return decode(bytes, charset);
  if (type === 'application/x-www-form-urlencoded') {
    if (charset !== undefined && charset !== 'utf-8' && charset !== 'iso-8859-1') throw unsupported(charset);
    return form(decode(bytes, charset));
  }
  return bytes;
}

function unsupported(charset) {
  return new BodyError(415, `unsupported charset "${charset.toUpperCase()}"`);
}

function decode(bytes, charset = 'utf-8') {
  const known = CHARSETS[charset];
  if (known !== undefined) return bytes.toString(known).replace(/^\ufeff/, '');
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    throw unsupported(charset);
  }
}

function json(text) {
  if (text.length === 0) return {};
  if (!/^[\x20\x09\x0a\x0d]*[[{]/.test(text)) throw new BodyError(400, 'the body is not a JSON object or array');
  try {
    return JSON.parse(text);
  } catch {
    // V8's own words quote the body.
    throw new BodyError(400, 'the body is not JSON');
  }
}

function inflate(encoding, bytes) {
  const name = (encoding ?? 'identity').toLowerCase();
  if (name === 'identity') return bytes;
  const zlib = require('node:zlib');
  const unpack = { gzip: zlib.gunzipSync, deflate: zlib.inflateSync, br: zlib.brotliDecompressSync }[name];
  if (unpack === undefined) throw new BodyError(415, `unsupported content encoding "${name}"`);
  try {
    return unpack(bytes, { maxOutputLength: 1024 * 1024 * 1024 });
  } catch {
    throw new BodyError(400, `the body is not ${name}`);
  }
}

/** `a=1&b[c]=2&d[]=3` with what stands in brackets as objects and lists. */
function form(text) {
  if (text.length === 0) return {};
  const parts = text.split('&');
  if (parts.length > MAX_PARAMETERS) throw new BodyError(413, 'too many parameters');
  const found = {};
  for (const part of parts) {
    if (part === '') continue;
    const mark = part.includes(']=') ? part.indexOf(']=') + 1 : part.indexOf('=');
    const name = unescape(mark < 0 ? part : part.slice(0, mark));
    put(found, keysOf(name), mark < 0 ? '' : unescape(part.slice(mark + 1)));
  }
  return listed(found);
}

function unescape(text) {
  const spaced = text.replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

function keysOf(name) {
  const root = /^[^[]*/.exec(name)[0];
  const rest = [...name.slice(root.length).matchAll(/\[([^\]]*)\]/g)].map((match) => match[1]);
  if (rest.length > MAX_DEPTH) throw new BodyError(400, 'The input exceeded the depth');
  return root === '' && rest.length > 0 ? rest : [root || name, ...rest];
}

/** A list on its way: how many there are gives the key for `[]`. */
const LIST = Symbol('list');

function put(into, [key, ...rest], value) {
  if (key === '__proto__') return;
  const name = key === '' ? String(Object.keys(into).length) : key;
  if (key === '' || /^\d+$/.test(key)) into[LIST] ??= true;
  else into[LIST] = false;
  const had = Object.hasOwn(into, name) ? into[name] : undefined;
  if (rest.length === 0) {
    into[name] = had === undefined ? value : [].concat(had, value);
    return;
  }
  if (typeof had !== 'object' || Array.isArray(had)) into[name] = had === undefined ? {} : { 0: had, [LIST]: true };
  put(into[name], rest, value);
}

function listed(object, top = true) {
  if (typeof object !== 'object' || Array.isArray(object)) return object;
  const all = Object.entries(object).map(([key, value]) => [key, listed(value, false)]);
  return object[LIST] && !top ? all.map(([, value]) => value) : Object.fromEntries(all);
}

module.exports = { readBody, form, BodyError };
