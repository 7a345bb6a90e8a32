'use strict';
// A batch of events: cut out of a call's body, and written as the JSON array that HTTP knows it by.

const { Broken, readFields, readU32, utf8 } = require('./frame');
const { isJson, jsonOrUndefined, strictText } = require('./texts');
const { parse } = require('./http/mime');

const MEDIA_TYPE = 'application/cloudevents-batch+json';
/** The lengths of an event's attributes and of its data. */
const SIZES = 8;
/** Headers that told of the body as it came. */
const OLD = new Set(['content-type', 'content-length', 'transfer-encoding']);

/** One event of a batch, with as much of an event's call as styles look at. */
class Part {
  #attributes;

  constructor(attributes, first) {
    this.#attributes = attributes;
    this.first = first;
    this.isEvent = true;
  }

  attributes() { return { ...this.#attributes }; }
  header(name) { return name === 'content-type' ? this.#attributes.datacontenttype : undefined; }
}

/** Makes of a call's body, which is here whole, its events; or the request that carries them. */
function open(call, lists) {
  const parts = cut(call.first, call.events);
  if (lists) {
    call.events = parts;
    return;
  }
  const body = Buffer.from(array(parts.map((part) => ({ attributes: part.attributes(), body: part.first }))));
  const { fields } = call;
  const kept = fields.slice(0, call.headersFrom);
  for (let at = kept.length; at < fields.length; at += 2) if (!OLD.has(fields[at])) kept.push(fields[at], fields[at + 1]);
  call.becomeRequest([...kept, 'content-type', MEDIA_TYPE, 'content-length', String(body.length)], body);
}

function cut(bytes, count) {
  const parts = [];
  let at = 0;
  while (parts.length < count) {
    if (bytes.length < at + SIZES) throw new Broken('a batch of fewer events than it says');
    const fields = at + SIZES;
    const data = fields + readU32(bytes, at);
    at = data + readU32(bytes, at + 4);
    if (at > bytes.length) throw new Broken('an event that is longer than its batch');
    parts.push(new Part(attributesOf(readFields(bytes, fields, data)), bytes.subarray(data, at)));
  }
  if (at !== bytes.length) throw new Broken('a batch that goes on behind its last event');
  return parts;
}

function attributesOf(fields) {
  if (fields.length % 2 !== 0) throw new Broken('an attribute of a batch without its value');
  const found = {};
  for (let at = 0; at < fields.length; at += 2) found[fields[at]] = utf8(fields[at + 1]);
  return found;
}

/** Events, as `attributes` and `body`, as JSON. */
function array(events) {
  return `[${events.map(written).join()}]`;
}

function written({ attributes, body }) {
  const bytes = Buffer.from(body);
  const start = JSON.stringify(attributes).slice(0, -1);
  if (bytes.length === 0) return `${start}}`;
  const text = dataText(bytes, attributes.datacontenttype);
  return text === undefined ? `${start},"data_base64":"${bytes.toString('base64')}"}` : `${start},"data":${text}}`;
}

/** Data as a JSON value, its own text where it is JSON; undefined where it has to be base64. */
function dataText(bytes, given) {
  const { type, charset = 'utf-8' } = parse(given);
  const text = strictText(bytes);
  if (text === null) return undefined;
  // All the white space around JSON is JSON's own.
  if (given === undefined || isJson(type)) return jsonOrUndefined(text) === undefined ? undefined : text.trim();
  return /^text\/|[/+]xml$/.test(type) && ['utf-8', 'us-ascii'].includes(charset) ? JSON.stringify(text) : undefined;
}

module.exports = { open, array, MEDIA_TYPE };
