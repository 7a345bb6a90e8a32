'use strict';
// functions-framework, signatures cloudevent, event and typed: functions of events, and of JSON.

const { open, crash, page } = require('./http');
const express = require('../http/express');
const { readBody } = require('../http/body');
const { attributesOf, dataType, isJson, structured, valueOf } = require('../texts');
const { answerEvent } = require('../answer');
const legacy = require('../legacy');
const { PENDING } = require('../serve');

const MAKERS = { cloudevent: cloudEventCall, event: backgroundCall, typed: typedCall };
/** Functions with more parameters than these take a callback. */
const ARITY = { cloudevent: 1, event: 2, typed: 1 };

function make({ fn, file, signature }) {
  express.lookFrom(file);
  const argumentsOf = MAKERS[signature];
  const byCallback = fn.length > ARITY[signature];
  return {
    lists: signature !== 'typed',
    serve(call) {
      if (call.events !== null && signature === 'event') return void call.fail(new Unsupported(), { status: 415 });
      const { req, res } = open(call);
      if (call.method !== 'POST') return void page(res, 404);
      let values;
      try {
        values = argumentsOf(call, req, res);
      } catch (error) {
        return void refuse(call, res, error);
      }
      const done = once((error, value) => finish(call, res, error, value, signature));
      if (byCallback) {
        res.onClosed = () => call.settle();
        const result = fn(...values, done);
        if (typeof result?.then === 'function') result.then(undefined, (error) => crash(call, res, error));
        return PENDING;
      }
      return begin(fn, values).then((value) => done(null, value), (error) => done(error ?? new Error('rejected without a reason')));
    },
    failed(call, error) {
      crash(call, call.res, error);
    },
    about: { signature },
  };
}

class Unsupported extends Error {
  constructor() {
    super('a function (data, context) takes one event at a time: set batch=split');
    this.name = 'Unsupported';
  }
}

/** What cannot be handed to the function: a body that is not what it says, an event that is none. */
function refuse(call, res, error) {
  if (error.status === undefined) throw error;
  call.log(2, 3, `the request was refused: ${error.message}`);
  page(res, error.status);
}

function refusal(status, message) {
  return Object.assign(new Error(message), { status });
}

/** An error thrown at once counts as one of the promise. */
async function begin(fn, values) {
  return fn(...values);
}

function once(then) {
  let called = false;
  return (error, value) => {
    if (called) return void console.log('Ignoring extra callback call');
    called = true;
    then(error, value);
  };
}

function finish(call, res, error, value, signature) {
  if (error) return crash(call, res, error, 'error');
  if (call.cancelled) return undefined;
  if (value === undefined || value === null) return res.sendStatus(204);
  if (Array.isArray(value) && answerEvent(call, value)) return call.settle();
  if (typeof value === 'number' || signature === 'typed') return res.json(value);
  try {
    return res.send(value);
  } catch (failure) {
    console.error(`Error serializing return value: ${failure}`);
    return res.sendStatus(204);
  }
}

// ---- cloudevent

function cloudEventCall(call, req) {
  if (call.events !== null) return [call.events.map(listed)];
  if (call.isEvent) return [traced(req, eventOf(call, req))];
  readBody(req, call.first);
  const binary = isBinary(req);
  const event = binary ? { ...attributesOfHeaders(req), data: req.body } : object(legacy.cloudEventOf(object(legacy.unpushed(object(req.body), req.path))));
  return [traced(req, event)];
}

function object(body) {
  if (body === null || typeof body !== 'object') throw refusal(400, 'the body is no event');
  return body;
}

function listed(part) {
  const attributes = part.attributes();
  return { ...attributes, data: valueOf(part, attributes) };
}

/** heeler has decoded it. Data that came as base64 stays that, as the framework leaves it. */
function eventOf(call, req) {
  if (/^application\/cloudevents/i.test(req.headers['content-type'] ?? '')) return structured(call);
  const attributes = call.attributes();
  readBody(req, call.first);
  return { ...attributes, data: req.body };
}

function traced(req, event) {
  if (req.headers.traceparent !== undefined) event.traceparent = req.headers.traceparent;
  return event;
}

function isBinary(req) {
  return Boolean(req.headers['ce-type'] && req.headers['ce-specversion'] && req.headers['ce-source'] && req.headers['ce-id']);
}

function attributesOfHeaders(req) {
  const names = Object.keys(req.headers).filter((name) => name.startsWith('ce-'));
  return Object.fromEntries(names.map((name) => [name.slice(3), req.headers[name]]));
}

// ---- event

function backgroundCall(call, req) {
  if (call.isEvent) return both(legacy.backgroundOf(eventOf(call, req)));
  readBody(req, call.first);
  if (isBinary(req)) return both(legacy.backgroundOf({ ...attributesOfHeaders(req), data: req.body }));
  const body = legacy.unpushed(object(req.body), req.path);
  const { data, context = body } = body;
  // What stands beside the data is the context where there is none.
  if (context === body) delete context.data;
  return [data, context];
}

function both({ data, context }) {
  return [data, context];
}

// ---- typed

function typedCall(call) {
  const type = dataType(attributesOf(call));
  if (type !== '' && !isJson(type)) throw refusal(415, 'the body is not said to be JSON');
  try {
    return [JSON.parse(call.first.toString())];
  } catch {
    throw refusal(400, 'the body is not JSON');
  }
}

module.exports = { make };
