'use strict';
// HKS: `handle(request)` for requests and `handle(event)` for events; `request` and `event` force one of the two.

const { bodyOf, fieldsOf, statusOf, proxyParts, send, isStream, BINARY } = require('../values');
const { answerEvent, answerHeaders } = require('../answer');
const { attributesOf, dataType, headersOf, isJson, jsonOrUndefined, queryOf, strictText, textOrBase64, typeOf } = require('../texts');

function make({ fn, owner, style, settings }) {
  const argument = argumentFor(style, settings.eventData);
  return {
    lists: style !== 'request',
    serve(call) {
      const result = fn.call(owner, argument(call));
      if (typeof result?.then === 'function') return result.then((value) => answer(call, value));
      return answer(call, result);
    },
  };
}

function argumentFor(style, form) {
  if (style === 'request') return (call) => new HksRequest(call);
  if (style === 'event') return (call) => (call.isRequest ? eventOfRequest(call, form) : eventOf(call, form));
  return (call) => (call.isRequest ? new HksRequest(call) : eventOf(call, form));
}

const OWN = new Set(['method', 'path', 'headers', 'query', 'body']);

/** The request's own keys first, then those of a body that is a JSON object, then the query's. */
class HksRequest {
  #call;
  #body;
  #fields;

  constructor(call) {
    this.#call = call;
    this.method = call.method;
    this.path = call.path;
  }

  get headers() { return define(this, 'headers', headersOf(this.#call)); }
  get query() { return define(this, 'query', queryOf(this.#call.query).one); }
  get args() { return this.query; }
  get params() { return this.query; }
  get id() { return this.#call.callId; }
  get signal() { return this.#call.signal; }
  get rawBody() { return this.#call.first; }

  /** Text where it is UTF-8, else the bytes. */
  get body() { return define(this, 'body', strictText(this.#call.first) ?? this.#call.first); }
  get data() { return textOrBase64(this.#call.first, typeOf(this.#call)).text; }

  get(name, otherwise) {
    if (name === 'body' && this.#call.first.length === 0) return otherwise;
    if (OWN.has(name)) return this[name];
    const fields = this.#object();
    if (fields !== undefined && Object.hasOwn(fields, name)) return fields[name];
    return Object.hasOwn(this.query, name) ? this.query[name] : otherwise;
  }

  /** The body's JSON, whatever its type is called; a broken one is null. */
  json() { return this.#parsed() ?? null; }
  get_json() { return this.json(); }
  getJson() { return this.json(); }
  text() { return this.#call.first.toString(); }

  #parsed() {
    if (this.#body === undefined) this.#body = jsonOrUndefined(this.#call.first.toString());
    return this.#body;
  }

  #object() {
    if (this.#fields === undefined) {
      const value = this.#call.first.length === 0 ? undefined : this.#parsed();
      this.#fields = value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
    }
    return this.#fields;
  }

  /** For JSON.stringify and for those who copy it: what it has, and nothing of how. */
  toJSON() {
    return { method: this.method, path: this.path, headers: this.headers, query: this.query, body: this.body };
  }
}

function define(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: true });
  return value;
}

/** A CloudEvent: its attributes and its data; a batch is a list of them. */
function eventOf(call, form) {
  if (!call.isEvent) return call.events.map((part) => eventOf(part, form));
  const attributes = attributesOf(call);
  return { ...attributes, data: dataOf(call.first, dataType(attributes), form) };
}

/** A plain request: a JSON object with `type` and `data` is the event's own fields, anything else is its data. */
function eventOfRequest(call, form) {
  const value = jsonOrUndefined(call.first.toString());
  if (value !== null && typeof value === 'object' && 'type' in value && 'data' in value) return value;
  const type = typeOf(call);
  const found = { id: call.callId, source: call.path, type: 'http.request', data: dataOf(call.first, type, form) };
  return type === '' ? found : { ...found, datacontenttype: call.header('content-type') };
}

/** Text, since functions say `JSON.parse(event.data)`, or base64; `event_data=parsed` gives JSON's value. */
function dataOf(bytes, type, form) {
  if (form === 'parsed' && (type === '' || isJson(type))) {
    const value = jsonOrUndefined(bytes.toString());
    if (value !== undefined) return value;
  }
  return textOrBase64(bytes, type).text;
}

/** A value, or an object with `statusCode`; one without `body` answers with its other keys. */
function answer(call, result) {
  if (answerEvent(call, result)) return undefined;
  if (isStream(result)) return send(call, 200, `content-type\0${BINARY}\0`, result);
  if (result === null || typeof result !== 'object' || result.statusCode === undefined) {
    const [body, type] = bodyOf(result);
    return call.reply(200, type === null ? '' : `content-type\0${type}\0`, body);
  }
  if ('body' in result) {
    const { status, headers, body } = proxyParts(result);
    if (isStream(body)) return send(call, status, fieldsOf(headers, BINARY), body);
    const [bytes, type] = bodyOf(body);
    return whole(call, status, fieldsOf(headers, type), bytes);
  }
  const { statusCode, headers, ...rest } = result;
  const [body, type] = bodyOf(Object.keys(rest).length === 0 ? undefined : rest);
  return whole(call, statusOf(statusCode), fieldsOf(headers, type), body);
}

function whole(call, status, fields, body) {
  if (!answerHeaders(call, status, fields, body)) call.reply(status, fields, body);
}

module.exports = { make };
