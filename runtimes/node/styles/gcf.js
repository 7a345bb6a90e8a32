'use strict';
// functions-framework, signatures cloudevent, event and typed: functions of events, and of JSON.

const path = require('node:path');
const { createRequire } = require('node:module');
const { open, readWhole, crash, page } = require('./http');
const express = require('../http/express');
const { readBody } = require('../http/body');
const { attributesOf, dataType, isJson, structured } = require('../texts');
const { PENDING } = require('../serve');

const MAKERS = { cloudevent: cloudEventCall, event: backgroundCall, typed: typedCall };
/** Functions with more parameters than these take a callback. */
const ARITY = { cloudevent: 1, event: 2, typed: 1 };

function make({ fn, file, signature }) {
  express.lookFrom(file);
  const argumentsOf = MAKERS[signature](file);
  const byCallback = fn.length > ARITY[signature];
  return {
    serve(call) {
      const { req, res } = open(call);
      if (call.method !== 'POST') return void page(res, 404);
      const values = argumentsOf(call, req, res);
      if (values === null) return undefined;
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
  if (typeof value === 'number' || signature === 'typed') return res.json(value);
  try {
    return res.send(value);
  } catch (failure) {
    console.error(`Error serializing return value: ${failure}`);
    return res.sendStatus(204);
  }
}

// ---- cloudevent

function cloudEventCall(file) {
  const fromLegacy = middleware(file, 'background_event_to_cloud_event', 'backgroundEventToCloudEventMiddleware');
  return (call, req, res) => {
    if (call.isEvent) return [traced(req, eventOf(call, req))];
    if (!readWhole(call, req, res)) return null;
    fromLegacy(req);
    const event = isBinary(req) ? { ...attributesOfHeaders(req), data: req.body } : req.body;
    if (event === null || typeof event !== 'object') {
      page(res, 400);
      return null;
    }
    return [traced(req, event)];
  };
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

function backgroundCall(file) {
  const fromCloudEvent = middleware(file, 'cloud_event_to_background_event', 'cloudEventToBackgroundEventMiddleware');
  return (call, req, res) => {
    if (call.isEvent) req.body = eventOf(call, req);
    else if (!readWhole(call, req, res)) return null;
    const binary = isBinary(req);
    const before = req.body;
    fromCloudEvent(req);
    if (req.body === before && binary) {
      const { data, ...context } = call.isEvent ? before : { ...attributesOfHeaders(req), data: before };
      return [data, context];
    }
    if (req.body === null || typeof req.body !== 'object') {
      page(res, 400);
      return null;
    }
    const { data, context = withoutData(req.body) } = req.body;
    return [data, context];
  };
}

function withoutData({ data, ...rest }) {
  return rest;
}

// ---- typed

function typedCall() {
  return (call, req, res) => {
    const type = dataType(attributesOf(call));
    if (type !== '' && !isJson(type)) {
      page(res, 415);
      return null;
    }
    try {
      return [JSON.parse(call.first.toString())];
    } catch {
      page(res, 400);
      return null;
    }
  };
}

/** The framework's own translation of old events, where it is installed; without it they stay what they are. */
function middleware(file, name, exported) {
  try {
    const from = createRequire(file);
    const main = from.resolve('@google-cloud/functions-framework');
    const translate = from(path.join(path.dirname(main), 'middleware', `${name}.js`))[exported];
    return (req) => {
      // An event that heeler decoded is shown whole, as its JSON form: then its headers must not be read as well.
      if (req.body !== null && typeof req.body === 'object') translate(req, req.res, () => {});
    };
  } catch {
    return () => {};
  }
}

module.exports = { make };
