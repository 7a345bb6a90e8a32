'use strict';
// Events that functions answer with: those of the package, objects of the same keys, `ce-` headers, and for a batch a list.

const { fieldText } = require('./frame');
const { array, MEDIA_TYPE } = require('./batch');
const { isJson, jsonOrUndefined } = require('./texts');
const { parse } = require('./http/mime');

const REQUIRED = ['id', 'source', 'specversion', 'type'];
/** Their number has one byte. */
const MOST = 255;

/** Answers with a result that is an event, or a list of events for a batch; false if it is something else. */
function answerEvent(call, result, fields = '') {
  if (result === null || typeof result !== 'object') return false;
  if (Array.isArray(result)) {
    if (!Array.isArray(call.events) || result.length === 0) return false;
    const events = result.map(partsOf);
    if (events.includes(null)) return false;
    call.reply(200, `content-type\0${MEDIA_TYPE}\0${fields}`, array(events));
    return true;
  }
  const event = partsOf(result);
  return event !== null && reply(call, 200, event, fields);
}

/** heeler makes headers of the first pairs, which are the event's attributes. */
function reply(call, status, { attributes, body }, fields) {
  const pairs = Object.entries(attributes);
  const own = pairs.map(([name, value]) => `${fieldText(name)}\0${fieldText(value)}\0`).join('');
  call.reply(status, Buffer.from(own).latin1Slice() + fields, body, pairs.length, true);
  return true;
}

/** The attributes of an event, as text, and its body; null for what is none. */
function partsOf(value) {
  if (value === null || typeof value !== 'object' || REQUIRED.some((name) => typeof value[name] !== 'string')) return null;
  const { data, data_base64: encoded, ...given } = typeof value.toJSON === 'function' ? value.toJSON() : value;
  const attributes = {};
  for (const [name, one] of Object.entries(given)) {
    if (one === undefined || one === null) continue;
    // No attribute is a list or an object: it is some other object of these keys.
    if (typeof one === 'object' && !(one instanceof Date) || typeof one === 'function') return null;
    attributes[name] = one instanceof Date ? one.toISOString() : String(one);
  }
  if (Object.keys(attributes).length > MOST) return null;
  return { attributes, body: encoded === undefined ? bodyOf(data, attributes) : Buffer.from(encoded, 'base64') };
}

/** Data is JSON where nothing else is said of it; text that is said to be JSON, and is, stays as it is. */
function bodyOf(data, attributes) {
  if (data === undefined || data === null) return '';
  if (data instanceof Uint8Array) return Buffer.from(data);
  const given = attributes.datacontenttype;
  if (given === undefined) attributes.datacontenttype = 'application/json';
  else if (typeof data === 'string' && (!isJson(parse(given).type) || jsonOrUndefined(data) !== undefined)) return data;
  return JSON.stringify(data);
}

/** Answers with what `ce-` headers make an event; false if they do not. */
function answerHeaders(call, status, fields, body) {
  if (!/(^|\0)ce-specversion\0/.test(fields)) return false;
  const flat = fields.split('\0');
  const attributes = {};
  let rest = '';
  try {
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const [name, value] = [flat[at], flat[at + 1]];
      if (name.startsWith('ce-')) attributes[name.slice(3)] = value.replace(/(%[0-9a-f]{2})+/gi, decodeURIComponent);
      else rest += `${name}\0${value}\0`;
    }
  } catch {
    // Escapes that are no UTF-8 are for heeler to judge.
    return false;
  }
  return REQUIRED.every((name) => attributes[name]) && reply(call, status, { attributes, body }, rest);
}

module.exports = { answerEvent, answerHeaders };
