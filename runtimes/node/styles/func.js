'use strict';
// Knative func: `handle(context, data)`, with init, shutdown, liveness and readiness beside it.

const { createRequire } = require('node:module');
const { bodyOf, fieldsOf, statusOf, statusText } = require('../values');
const { answerEvent } = require('../answer');
const { attributesOf, headersOf, isJson, jsonOrUndefined, queryOf, typeOf, valueOf } = require('../texts');
const { form } = require('../http/body');

const METHODS = 'OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH';
const FROZEN = Object.freeze({});
const LEVELS = { trace: 0, debug: 0, info: 1, warn: 2, error: 3, fatal: 3 };

async function make({ fn, owner, file }) {
  const hooks = hooksOf(owner);
  if (hooks.init) await hooks.init(FROZEN);
  const origins = hooks.cors ? [].concat(hooks.cors()).join(', ') : '*';
  const makeEvent = eventMaker(file);
  const raw = Boolean(process.env.FUNC_INCLUDE_RAW);
  return {
    lists: true,
    serve(call) {
      if (call.method === 'OPTIONS') return call.reply(200, withCors('', origins), '');
      const context = new Context(call, makeEvent, raw);
      const data = context.cloudevent ?? context.cloudevents ?? context.body;
      const result = fn.call(FROZEN, context, data);
      if (typeof result?.then === 'function') return result.then((value) => answer(call, value, origins));
      return answer(call, result, origins);
    },
    failed: (call, error) => failed(call, error, origins),
    alive: hooks.liveness,
    ready: hooks.readiness,
    stop: hooks.shutdown,
  };
}

/** The module's functions beside `handle`, of its default export too. */
function hooksOf(owner) {
  const found = {};
  for (const name of ['init', 'shutdown', 'liveness', 'readiness', 'cors']) {
    const hook = owner?.[name] ?? owner?.default?.[name];
    if (typeof hook === 'function') found[name] = hook.bind(owner);
  }
  return found;
}

class Context {
  #call;
  #log;

  constructor(call, makeEvent, raw) {
    this.#call = call;
    const { one } = queryOf(call.query);
    // There a query may overwrite what a context has; here it may not.
    for (const name of Object.keys(one)) if (!(name in Context.prototype)) this[name] = one[name];
    this.query = { ...one };
    this.headers = headersOf(call);
    this.method = call.method;
    this.httpVersion = call.version === 20 ? '2.0' : call.version === 10 ? '1.0' : '1.1';
    this.httpVersionMajor = call.version === 20 ? 2 : 1;
    this.httpVersionMinor = call.version === 11 ? 1 : 0;
    this.contentType = call.header('content-type');
    this.body = call.isRequest ? bodyOfRequest(call) : undefined;
    this.rawBody = raw ? call.first : undefined;
    this.cloudevent = call.isEvent ? makeEvent(call) : undefined;
    this.cloudevents = call.events?.map(makeEvent);
    if (call.isEvent) this.body = this.cloudevent.data;
  }

  get log() {
    return (this.#log ??= logger(this.#call));
  }

  /** An answer that is an event, put together by its parts. */
  cloudEventResponse(data) {
    return new EventResponse(data);
  }

  get signal() {
    return this.#call.signal;
  }
}

function logger(call) {
  const print = (level) => (...values) => call.log(level, 3, require('node:util').format(...values));
  return Object.fromEntries(Object.entries(LEVELS).map(([name, level]) => [name, print(level)]));
}

function bodyOfRequest(call) {
  if (call.first.length === 0) return undefined;
  const type = typeOf(call);
  if (type === '' || isJson(type)) {
    const value = jsonOrUndefined(call.first.toString());
    if (value !== undefined) return value;
    if (type !== '') throw Object.assign(new Error('the body is not JSON'), { code: 400 });
  }
  if (type === 'application/x-www-form-urlencoded') return form(call.first.toString());
  if (type.startsWith('text/')) return call.first.toString();
  return call.first;
}

/** The CloudEvents package's own event where the function has it, else the same keys. */
function eventMaker(file) {
  let CloudEvent;
  return (call) => {
    const attributes = attributesOf(call);
    const data = valueOf(call, attributes);
    if (CloudEvent === undefined) CloudEvent = packageOf(file);
    return CloudEvent === null ? { ...attributes, data } : new CloudEvent({ ...attributes, data }, false);
  };
}

function packageOf(file) {
  try {
    return createRequire(file)('cloudevents').CloudEvent ?? null;
  } catch {
    return null;
  }
}

class EventResponse {
  #event;

  constructor(data) {
    this.#event = { specversion: '1.0', id: require('node:crypto').randomUUID(), source: '/', type: 'dev.knative.function', data };
  }

  #set(name, value) {
    this.#event[name] = value;
    return this;
  }

  version(value) { return this.#set('specversion', value); }
  id(value) { return this.#set('id', value); }
  type(value) { return this.#set('type', value); }
  source(value) { return this.#set('source', value); }
  response() { return this.#event; }
}

function answer(call, result, origins) {
  if (!result) return call.reply(204, withCors('content-type\0text/plain; charset=utf-8\0', origins), '');
  if (typeof result === 'string') return call.reply(200, withCors('content-type\0text/plain; charset=utf-8\0', origins), result);
  if (answerEvent(call, result instanceof EventResponse ? result.response() : result, withCors('', origins))) return undefined;
  if (typeof result === 'object' && !(result instanceof Uint8Array) && ('statusCode' in result || 'headers' in result || 'body' in result)) {
    const [body, type] = bodyOf(result.body);
    return call.reply(statusOf(result.statusCode), withCors(fieldsOf(result.headers, type ?? 'application/json; charset=utf-8'), origins), body);
  }
  const [body, type] = bodyOf(result);
  return call.reply(200, withCors(`content-type\0${type}\0`, origins), body);
}

function withCors(fields, origins) {
  return `${fields}access-control-allow-methods\0${METHODS}\0access-control-allow-origin\0${origins}\0`;
}

/** An error's `code` may be the status that it wants; its text is for the log alone. */
function failed(call, error, origins) {
  const code = Number.isInteger(error?.code) && error.code >= 400 && error.code <= 599 ? error.code : 500;
  call.log(3, 3, String(error?.stack ?? error));
  if (call.headSent) return call.fail(error);
  return call.reply(code, withCors('content-type\0text/plain; charset=utf-8\0', origins), statusText(code));
}

module.exports = { make };
