'use strict';
// Small readings of a call: its body as text, its query and headers as objects, its event.

const { headersOf } = require('./http/headers');
const { parse } = require('./http/mime');

function isJson(type) {
  return type.endsWith('/json') || type.endsWith('+json');
}

function isText(type) {
  return type.startsWith('text/') || isJson(type) || type.endsWith('+xml')
    || ['application/xml', 'application/javascript', 'application/x-www-form-urlencoded', 'application/yaml'].includes(type);
}

/** UTF-8 as text, or null. */
function strictText(bytes) {
  const text = bytes.toString();
  return text.includes('\ufffd') && !Buffer.from(text).equals(bytes) ? null : text;
}

/** Text where it is text, else base64: a string in any case. */
function textOrBase64(bytes, type) {
  if (type === '' || isText(type)) {
    const text = strictText(bytes);
    if (text !== null) return { text, encoded: false };
  }
  return { text: bytes.toString('base64'), encoded: true };
}

function jsonOrUndefined(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The query as an object: the last of each name, and `all` of them. */
function queryOf(query) {
  const one = {};
  const all = {};
  if (query === '') return { one, all };
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === '__proto__') continue;
    one[name] = value;
    (all[name] ??= []).push(value);
  }
  return { one, all };
}

function typeOf(call) {
  return parse(call.header('content-type')).type;
}

/** The attributes of an event, its data's type among them. */
function attributesOf(call) {
  const attributes = call.attributes();
  const type = call.header('content-type');
  if (attributes.datacontenttype === undefined && type !== undefined && !/^application\/cloudevents/i.test(type)) attributes.datacontenttype = type;
  return attributes;
}

/** What the data is: JSON where nothing else is said of an event that came as JSON. */
function dataType(attributes) {
  return attributes.datacontenttype === undefined ? '' : parse(attributes.datacontenttype).type;
}

/** The data of an event as a value where it is JSON or nothing is said of it, as text where it is that, else as bytes. */
function valueOf({ first }, attributes) {
  if (first.length === 0) return undefined;
  const type = dataType(attributes);
  const text = strictText(first) ?? undefined;
  const value = text !== undefined && (type === '' || isJson(type)) ? jsonOrUndefined(text) : undefined;
  return value === undefined ? text ?? first : value;
}

/** The event whole, as its JSON form has it. */
function structured(call) {
  const attributes = attributesOf(call);
  if (call.first.length === 0) return attributes;
  const type = dataType(attributes);
  if (type === '' || isJson(type)) {
    const value = jsonOrUndefined(call.first.toString());
    if (value !== undefined) return { ...attributes, data: value };
  }
  const { text, encoded } = textOrBase64(call.first, type);
  return { ...attributes, [encoded ? 'data_base64' : 'data']: text };
}

module.exports = { headersOf, isJson, isText, strictText, textOrBase64, jsonOrUndefined, queryOf, typeOf, attributesOf, dataType, valueOf, structured };
