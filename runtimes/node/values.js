'use strict';
// Results of functions as answers: status, header fields as they go over the wire, and a body.

const { lowerName, checkValue } = require('./http/headers');

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json';
const BINARY = 'application/octet-stream';

/** A result that no answer can be made of. */
class BadResult extends Error {
  constructor(message) {
    super(message);
    this.name = 'BadResult';
  }
}

/** A value as a body, and the content type that fits it where nobody says another. */
function bodyOf(value) {
  if (typeof value === 'string') return [value, TEXT];
  if (value === undefined || value === null) return ['', null];
  if (value instanceof Uint8Array) return [asBuffer(value), BINARY];
  if (value instanceof ArrayBuffer) return [Buffer.from(value), BINARY];
  return [toJson(value), JSON_TYPE];
}

function asBuffer(bytes) {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toJson(value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new BadResult(`a result of type ${typeof value} cannot be told in JSON`);
  return text;
}

/** A status as functions give it: a number or its text. */
function statusOf(value, otherwise = 200) {
  if (value === undefined || value === null) return otherwise;
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new BadResult(`a status of ${String(value)}: an answer's is from 200 to 599`);
  return status;
}

/** What there is to say to the caller of an error: the words of its status. */
function statusText(status) {
  return require('node:http').STATUS_CODES[status] ?? String(status);
}

/** Headers as an object, a Map or Headers; values may be lists. `type` is for an answer that says none. */
function fieldsOf(headers, type) {
  let fields = '';
  let typed = false;
  const entries = !headers ? [] : typeof headers.entries === 'function' ? headers.entries() : Object.entries(headers);
  for (const [name, value] of entries) {
    if (value === undefined || value === null) continue;
    const lower = lowerName(name);
    if (lower === 'content-type') typed = true;
    for (const one of Array.isArray(value) ? value : [value]) {
      checkValue(name, one);
      fields += `${lower}\0${one}\0`;
    }
  }
  return typed || type === null ? fields : `content-type\0${type}\0${fields}`;
}

/** `{ statusCode, headers, multiValueHeaders, cookies, body, isBase64Encoded }` as gateways take it. */
function proxyParts(result) {
  const headers = { ...(result.headers ?? {}) };
  const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  for (const [name, values] of Object.entries(result.multiValueHeaders ?? {})) {
    if (!named.has(name.toLowerCase())) headers[name] = values;
  }
  if (result.cookies?.length > 0) headers['set-cookie'] = [].concat(headers['set-cookie'] ?? [], result.cookies);
  const encoded = result.isBase64Encoded === true && typeof result.body === 'string';
  return { status: statusOf(result.statusCode), headers, body: encoded ? Buffer.from(result.body, 'base64') : result.body };
}

/** Sends a body that is whole, or a stream of pieces. */
function send(call, status, fields, body) {
  if (typeof body === 'string' || Buffer.isBuffer(body)) return call.reply(status, fields, body);
  return pour(call, status, fields, body);
}

function isStream(value) {
  return value !== null && typeof value === 'object' && !(value instanceof Uint8Array)
    && (typeof value[Symbol.asyncIterator] === 'function' || typeof value.getReader === 'function');
}

/** Each piece goes out as it comes; the next is asked for when there is room. */
async function pour(call, status, fields, pieces) {
  call.begin(status, fields);
  for await (const piece of pieces) {
    if (call.cancelled) return;
    const room = call.write(Buffer.isBuffer(piece) ? piece : Buffer.from(typeof piece === 'string' || piece instanceof Uint8Array ? piece : toJson(piece)));
    if (!room) await roomFor(call);
  }
  call.end();
}

function roomFor(call) {
  return new Promise((resolve) => {
    const cancel = call.onCancel;
    call.onDrain = resolve;
    call.onCancel = () => {
      if (cancel) cancel();
      resolve();
    };
  });
}

module.exports = { BadResult, bodyOf, fieldsOf, statusOf, statusText, proxyParts, send, isStream, toJson, TEXT, JSON_TYPE, BINARY };
