'use strict';
// Kubeless: `f(event, context)`, the module itself or one of its exports.

const { Request, Response } = require('../http/helpers');
const { abandon } = require('../http/response');
const { toJson } = require('../values');
const { attributesOf, isJson, jsonOrUndefined, typeOf } = require('../texts');

const CORS = [['access-control-allow-origin', '*'], ['access-control-allow-methods', 'GET,HEAD,PUT,PATCH,POST,DELETE']];

function make({ fn, owner, target, file }) {
  require('../http/express').lookFrom(file);
  const env = process.env;
  const context = {
    'function-name': env.FUNC_HANDLER || target,
    timeout: Number(env.FUNC_TIMEOUT || 180),
    runtime: env.FUNC_RUNTIME,
    'memory-limit': env.FUNC_MEMORY_LIMIT,
  };
  return {
    // Its functions may count on being alone.
    concurrency: 1,
    async serve(call) {
      const req = new Request(call);
      const res = new Response(call, req);
      req.res = res;
      call.onCancel = () => abandon(req, res);
      if (call.method === 'OPTIONS') return preflight(req, res);
      const type = typeOf(call);
      const data = dataOf(call, type);
      if (data === BROKEN) return call.reply(400, 'content-type\0text/plain; charset=utf-8\0', 'Invalid JSON');
      req.body = data;
      return answer(call, res, await fn.call(owner, eventOf(call, data, req, res), { ...context }));
    },
  };
}

const BROKEN = Symbol('broken');

/** JSON by its value, all else as text; a form with files is left to whoever reads the request. */
function dataOf(call, type) {
  if (call.first.length === 0) return {};
  if (type.startsWith('multipart/')) return undefined;
  const text = call.first.toString();
  if (!isJson(type)) return text;
  const value = jsonOrUndefined(text);
  return value === undefined ? BROKEN : value;
}

function eventOf(call, data, request, response) {
  const attributes = call.isEvent ? attributesOf(call) : {};
  return {
    'event-type': attributes.type ?? call.header('event-type'),
    'event-id': attributes.id ?? call.header('event-id'),
    'event-time': attributes.time ?? call.header('event-time'),
    'event-namespace': attributes.source ?? call.header('event-namespace'),
    data,
    extensions: { request, response },
  };
}

function preflight(req, res) {
  for (const [name, value] of CORS) res.setHeader(name, value);
  const asked = req.headers['access-control-request-headers'];
  if (asked !== undefined) res.setHeader('access-control-allow-headers', asked);
  res.status(200).end();
}

/** Objects as JSON, anything else as text. What a function wrote to the response itself stands. */
function answer(call, res, result) {
  if (call.headSent || res.finished) return undefined;
  res.setHeader('access-control-allow-origin', '*');
  if (result === undefined) return res.end();
  if (typeof result === 'string' || Buffer.isBuffer(result)) {
    if (!res.hasHeader('content-type')) res.setHeader('content-type', typeof result === 'string' ? 'text/html; charset=utf-8' : 'application/octet-stream');
    return res.end(result);
  }
  if (typeof result === 'object' && !res.hasHeader('content-type')) res.setHeader('content-type', 'application/json; charset=utf-8');
  return res.end(toJson(result));
}

module.exports = { make };
