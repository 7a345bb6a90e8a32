'use strict';
// A Set-Cookie header of a name, a value and options, after RFC 6265.

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PART = /^[\x20-\x3a\x3c-\x7e]*$/;
const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None', true: 'Strict' };
const PRIORITY = { low: 'Low', medium: 'Medium', high: 'High' };

function serialize(name, text, options) {
  if (!NAME.test(name)) throw new TypeError('argument name is invalid');
  const value = (options.encode ?? encodeURIComponent)(text);
  let cookie = `${name}=${value}`;
  if (options.maxAge != null) {
    if (!Number.isInteger(options.maxAge)) throw new TypeError('option maxAge is invalid');
    cookie += `; Max-Age=${options.maxAge}`;
  }
  if (options.domain) cookie += `; Domain=${part('domain', options.domain)}`;
  if (options.path) cookie += `; Path=${part('path', options.path)}`;
  if (options.expires) cookie += `; Expires=${options.expires.toUTCString()}`;
  if (options.httpOnly) cookie += '; HttpOnly';
  if (options.secure) cookie += '; Secure';
  if (options.partitioned) cookie += '; Partitioned';
  if (options.priority) cookie += `; Priority=${word(PRIORITY, 'priority', options.priority)}`;
  if (options.sameSite) cookie += `; SameSite=${word(SAME_SITE, 'sameSite', options.sameSite)}`;
  return cookie;
}

function part(name, value) {
  if (!PART.test(value)) throw new TypeError(`option ${name} is invalid`);
  return value;
}

function word(words, name, value) {
  const found = words[String(value).toLowerCase()];
  if (found === undefined) throw new TypeError(`option ${name} is invalid`);
  return found;
}

module.exports = { serialize };
