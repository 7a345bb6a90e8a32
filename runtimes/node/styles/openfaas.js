'use strict';
// OpenFaaS' node templates: `module.exports = async (event, context, callback)`.

const { form } = require('../http/body');
const { fieldsOf, statusOf, statusText, BadResult } = require('../values');
const { attributesOf, headersOf, isJson, jsonOrUndefined, queryOf, typeOf } = require('../texts');

function make({ fn, owner }) {
  const raw = process.env.RAW_BODY === 'true';
  const byCallback = fn.length > 2;
  return {
    serve(call) {
      return new Promise((resolve, reject) => {
        const context = new Context(resolve, reject);
        const event = eventOf(call, raw);
        const callback = (error, value) => (error ? context.fail(error) : context.succeed(value));
        const result = fn.call(owner, event, context, callback);
        if (typeof result?.then === 'function') result.then((value) => settled(context, value, byCallback), reject);
        else if (result !== undefined && !byCallback) context.succeed(result);
        else if (!byCallback && fn.length < 2) context.succeed(undefined);
      }).then((context) => answer(call, context));
    },
    failed(call, error) {
      if (error instanceof BadJson) call.reply(400, 'content-type\0text/plain; charset=utf-8\0', error.message);
      else call.fail(error);
    },
  };
}

/** A promise without a value answers too, unless the function has said that it will call back. */
function settled(context, value, byCallback) {
  if (!context.done && (value !== undefined || !byCallback)) context.succeed(value);
}

class Context {
  #resolve;
  #status = 200;
  #headers = {};

  constructor(resolve) {
    this.#resolve = resolve;
    this.cb = undefined;
    this.done = false;
    this.headerValues = this.#headers;
  }

  status(code) {
    if (code === undefined) return this.#status;
    this.#status = code;
    return this;
  }

  headers(values) {
    if (values === undefined) return this.#headers;
    this.#headers = values;
    return this;
  }

  succeed(value) {
    this.value = value;
    this.#end();
  }

  fail(value) {
    if (this.#status === 200) this.#status = 500;
    this.failure = value;
    // What the function says itself reaches the caller; an error's text is for the log alone.
    this.value = value instanceof Error ? statusText(this.#status) : value;
    this.#end();
  }

  #end() {
    if (this.done) return;
    this.done = true;
    this.#resolve(this);
  }
}

function eventOf(call, raw) {
  const headers = headersOf(call);
  return { body: bodyOf(call, raw), headers, method: call.method, query: queryWithLists(call.query), path: call.path };
}

function queryWithLists(query) {
  const { all } = queryOf(query);
  return Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

/** As the template's parsers have it; a body without a type is text there. */
function bodyOf(call, raw) {
  if (raw) return call.first;
  const type = call.isEvent ? (attributesOf(call).datacontenttype ?? 'application/json').split(';')[0] : typeOf(call) || 'text/plain';
  if (isJson(type)) {
    if (call.first.length === 0) return {};
    const value = jsonOrUndefined(call.first.toString());
    if (value === undefined) throw new BadJson();
    return value;
  }
  if (type === 'application/x-www-form-urlencoded') return form(call.first.toString());
  if (type.startsWith('text/')) return call.first.length === 0 ? {} : call.first.toString();
  return call.first.length === 0 ? {} : call.first;
}

class BadJson extends Error {
  constructor() {
    super('the body is not JSON');
  }
}

function answer(call, context) {
  if (context.failure !== undefined) call.log(3, 3, String(context.failure?.stack ?? context.failure));
  const { value } = context;
  const json = value !== null && typeof value === 'object' && !(value instanceof Uint8Array);
  const body = value === undefined || value === null ? '' : value instanceof Uint8Array ? Buffer.from(value) : json ? JSON.stringify(value) : String(value);
  const type = json ? 'application/json; charset=utf-8' : Buffer.isBuffer(body) ? 'application/octet-stream' : 'text/html; charset=utf-8';
  if (typeof context.headers() !== 'object') throw new BadResult('context.headers takes an object');
  return call.reply(statusOf(context.status()), fieldsOf(context.headers(), type), body);
}

module.exports = { make };
