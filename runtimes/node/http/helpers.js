'use strict';
// What Express adds to an answer. The few methods that are whole packages of their own there (files, templates, content
// negotiation) are Express' own where it is installed, and are not loaded before somebody calls them.

const { byEnding, withUtf8 } = require('./mime');
const { Response } = require('./response');
const { Request } = require('./request');
const express = require('./express');

const helpers = {
  status(code) {
    if (!Number.isInteger(code)) throw new TypeError(`Invalid status code: ${JSON.stringify(code)}. Status code must be an integer.`);
    if (code < 100 || code > 999) {
      throw new RangeError(`Invalid status code: ${JSON.stringify(code)}. Status code must be greater than 99 and less than 1000.`);
    }
    this.statusCode = code;
    return this;
  },

  get(name) {
    return this.getHeader(name);
  },

  set(name, value) {
    if (typeof name !== 'string') {
      for (const key of Object.keys(name)) this.set(key, name[key]);
      return this;
    }
    const text = Array.isArray(value) ? value.map(String) : String(value);
    if (name.toLowerCase() !== 'content-type') return this.setHeader(name, text);
    if (Array.isArray(text)) throw new TypeError('Content-Type cannot be set to an Array');
    return this.setHeader(name, text.includes('charset') ? text : byType(text));
  },

  type(name) {
    return this.set('Content-Type', name.includes('/') ? name : byEnding(name) ?? express.typeOf(name));
  },

  append(name, value) {
    const had = this.get(name);
    return this.set(name, had === undefined ? value : [].concat(had, value));
  },

  send(body) {
    let chunk = body;
    if (typeof chunk === 'string') {
      const type = this.get('content-type');
      if (typeof type === 'string') this.setHeader('content-type', withUtf8(type));
      else this.setHeader('content-type', 'text/html; charset=utf-8');
    } else if (chunk === null) {
      chunk = '';
    } else if (ArrayBuffer.isView(chunk)) {
      if (!this.get('content-type')) this.setHeader('content-type', 'application/octet-stream');
    } else if (chunk !== undefined && typeof chunk !== 'function') {
      return this.json(chunk);
    }
    return sendChunk(this, chunk);
  },

  json(value) {
    const text = JSON.stringify(value);
    if (!this.get('content-type')) this.setHeader('content-type', 'application/json; charset=utf-8');
    return text === undefined ? sendChunk(this, undefined) : this.send(text);
  },

  sendStatus(code) {
    this.status(code);
    this.type('txt');
    return this.send(statusText(code) ?? String(code));
  },

  location(url) {
    return this.setHeader('location', encodeTarget(String(url)));
  },

  redirect(status, url) {
    if (url === undefined) [status, url] = [302, status];
    const address = this.location(url).get('location');
    const said = statusText(status);
    const page = `<!DOCTYPE html><head><title>${said}</title></head><body><p>${said}. Redirecting to ${escapeHtml(address)}</p></body>`;
    const kind = preferred(this.req.headers.accept);
    this.vary('Accept');
    if (kind !== '') this.type(kind);
    const body = kind === '' ? '' : kind === 'html' ? page : `${said}. Redirecting to ${address}`;
    this.status(status);
    this.setHeader('content-length', String(Buffer.byteLength(body)));
    this.end(this.req.method === 'HEAD' ? undefined : body);
  },

  cookie(name, value, options) {
    const all = { path: '/', ...options };
    if (all.signed) return express.method(Response, 'cookie').call(this, name, value, options);
    const text = typeof value === 'object' ? `j:${JSON.stringify(value)}` : String(value);
    if (all.maxAge != null && !Number.isNaN(all.maxAge - 0)) {
      all.expires = new Date(Date.now() + Number(all.maxAge));
      all.maxAge = Math.floor(all.maxAge / 1000);
    }
    all.path ??= '/';
    return this.append('Set-Cookie', require('./cookie').serialize(name, text, all));
  },

  clearCookie(name, options) {
    const all = { path: '/', ...options, expires: new Date(1) };
    delete all.maxAge;
    return this.cookie(name, '', all);
  },

  vary(field) {
    const had = String(this.get('vary') ?? '').split(/ *, */).filter(Boolean);
    for (const name of [].concat(field)) if (!had.some((one) => one.toLowerCase() === name.toLowerCase())) had.push(name);
    return this.setHeader('vary', had.join(', '));
  },

  links(links) {
    const had = this.get('link');
    const said = Object.entries(links).flatMap(([rel, to]) => [].concat(to).map((one) => `<${one}>; rel="${rel}"`));
    return this.setHeader('link', [had, ...said].filter(Boolean).join(', '));
  },

  attachment(name) {
    if (name) this.type(require('node:path').extname(name).slice(1) || 'bin');
    const quoted = name && require('node:path').basename(name).replace(/["\\]/g, '\\$&');
    return name && /^[\x20-\x7e]*$/.test(name)
      ? this.setHeader('content-disposition', `attachment; filename="${quoted}"`)
      : name ? express.method(Response, 'attachment').call(this, name) : this.setHeader('content-disposition', 'attachment');
  },
};

/** Node's words for a status; its http is not loaded before somebody needs them. */
function statusText(code) {
  return require('node:http').STATUS_CODES[code];
}

function sendChunk(res, chunk) {
  let body = chunk;
  if (body !== undefined && res.get('transfer-encoding') === undefined) {
    res.setHeader('content-length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength));
  }
  if (res.req.fresh) res.status(304);
  if (res.statusCode === 204 || res.statusCode === 304) {
    for (const name of ['content-type', 'content-length', 'transfer-encoding']) res.removeHeader(name);
    body = '';
  } else if (res.statusCode === 205) {
    res.setHeader('content-length', '0');
    res.removeHeader('transfer-encoding');
    body = '';
  }
  if (res.req.method === 'HEAD') res.end();
  else res.end(body === undefined ? undefined : body);
  return res;
}

/** A content type without a character set gets the usual one. */
function byType(text) {
  if (!text.includes('/')) return byEnding(text) ?? text;
  return /^(text\/|application\/(json|javascript)\s*$)/i.test(text) ? `${text}; charset=utf-8` : text;
}

/** html or txt, whichever the caller likes better; '' if neither. */
function preferred(accept) {
  if (accept === undefined) return 'txt';
  const liked = { txt: 0, html: 0 };
  for (const part of accept.split(',')) {
    const [range, ...words] = part.trim().toLowerCase().split(/\s*;\s*/);
    const q = Number(words.find((word) => word.startsWith('q='))?.slice(2) ?? 1);
    if (range === 'text/plain' || range === 'text/*' || range === '*/*') liked.txt = Math.max(liked.txt, q);
    if (range === 'text/html' || range === 'text/*' || range === '*/*') liked.html = Math.max(liked.html, q);
  }
  if (liked.txt === 0 && liked.html === 0) return '';
  if (liked.txt === liked.html) return accept.toLowerCase().indexOf('text/html') >= 0 && order(accept) ? 'html' : 'txt';
  return liked.html > liked.txt ? 'html' : 'txt';
}

/** Whether html stands before plain text. */
function order(accept) {
  const plain = accept.toLowerCase().indexOf('text/plain');
  return plain < 0 || accept.toLowerCase().indexOf('text/html') < plain;
}

function encodeTarget(url) {
  return url.replace(/%(?![0-9A-Fa-f]{2})|[^\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7c\x7e%\\^]/gu, (char) => {
    try {
      return encodeURIComponent(char);
    } catch {
      return '%EF%BF%BD';
    }
  });
}

function escapeHtml(text) {
  const marks = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (mark) => marks[mark]);
}

Object.assign(Response.prototype, helpers, { header: helpers.set, contentType: helpers.type });

for (const name of ['render', 'sendFile', 'download', 'jsonp', 'format']) {
  Response.prototype[name] = function (...values) {
    return express.method(Response, name).apply(this, values);
  };
}
for (const name of ['accepts', 'acceptsEncodings', 'acceptsCharsets', 'acceptsLanguages', 'is', 'range']) {
  Request.prototype[name] = function (...values) {
    return express.method(Request, name).apply(this, values);
  };
}
for (const ours of [Request, Response]) {
  Object.defineProperty(ours.prototype, 'app', { configurable: true, get: express.app, set(app) { define(this, 'app', app); } });
}
Object.defineProperty(Request.prototype, 'subdomains', {
  get() { return /[a-z]/i.test(this.hostname ?? '') && !this.hostname.startsWith('[') ? this.hostname.split('.').reverse().slice(2) : []; },
});

function define(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: true });
}

module.exports = { Request, Response };
