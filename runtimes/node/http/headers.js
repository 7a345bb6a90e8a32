'use strict';
// Headers: those of a request as Node gives them, and what a name and a value of an answer may be.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FORBIDDEN = /[^\t\x20-\x7e\x80-\xff]/;
/** Names that have been checked, with their lower case: there are few, and they come again. */
const names = new Map();

/** Repeated headers of which Node keeps the first; all others it joins. */
const ONCE = new Set(['age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host',
  'if-modified-since', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards', 'proxy-authorization',
  'referer', 'retry-after', 'server', 'user-agent']);

function headersOf(call) {
  const headers = {};
  const fields = call.fields;
  for (let at = call.headersFrom; at < fields.length; at += 2) {
    const name = fields[at];
    const value = fields[at + 1];
    const had = headers[name];
    if (name === 'set-cookie') (headers[name] ??= []).push(value);
    else if (had === undefined || !Object.hasOwn(headers, name)) headers[name] = value;
    else if (name === 'cookie') headers[name] = `${had}; ${value}`;
    else if (!ONCE.has(name)) headers[name] = `${had}, ${value}`;
  }
  return headers;
}

function coded(ErrorType, code, message) {
  const error = new ErrorType(message);
  error.code = code;
  return error;
}

function lowerName(name) {
  let lower = names.get(name);
  if (lower !== undefined) return lower;
  if (typeof name !== 'string' || !TOKEN.test(name)) {
    throw coded(TypeError, 'ERR_INVALID_HTTP_TOKEN', `Header name must be a valid HTTP token ["${name}"]`);
  }
  lower = name.toLowerCase();
  if (names.size < 1000) names.set(name, lower);
  return lower;
}

function checkValue(name, value) {
  if (value === undefined) {
    throw coded(TypeError, 'ERR_HTTP_INVALID_HEADER_VALUE', `Invalid value "undefined" for header "${name}"`);
  }
  if (FORBIDDEN.test(value)) throw coded(TypeError, 'ERR_INVALID_CHAR', `Invalid character in header content ["${name}"]`);
}

module.exports = { headersOf, lowerName, checkValue, coded };
