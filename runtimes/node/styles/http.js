'use strict';
// functions-framework, signature http: `(req, res)` as under Express.

const { Request, Response } = require('../http/helpers');
const { abandon } = require('../http/response');
const { readBody } = require('../http/body');
const express = require('../http/express');
const { PENDING } = require('../serve');

const UNWANTED = new Set(['/favicon.ico', '/robots.txt']);

function make({ fn, file, settings }) {
  express.lookFrom(file);
  const ignored = ignoredRoutes(process.env.IGNORED_ROUTES);
  const streams = settings.body === 'stream';
  return {
    streams,
    serve(call) {
      const { req, res } = open(call);
      if (ignored(req.path)) return void res.status(404).send(null);
      if (!streams && !readWhole(call, req, res)) return undefined;
      return run(call, res, fn(req, res));
    },
    failed(call, error) {
      crash(call, call.res, error);
    },
    about: { signature: 'http' },
  };
}

/** By default what browsers and crawlers ask for on their own; a word in IGNORED_ROUTES is a path and all below it. */
function ignoredRoutes(setting) {
  if (setting === undefined) return (path) => UNWANTED.has(path);
  const route = setting.trim().replace(/\/$/, '');
  return (path) => route !== '' && (path === route || path.startsWith(`${route}/`));
}

function open(call) {
  const req = new Request(call);
  const res = new Response(call, req);
  req.res = res;
  call.res = res;
  call.onCancel = () => abandon(req, res);
  return { req, res };
}

function readWhole(call, req, res) {
  try {
    readBody(req, call.first);
    return true;
  } catch (error) {
    if (error.status === undefined) throw error;
    call.log(2, 3, `the request was refused: ${error.message}`);
    page(res, error.status);
    return false;
  }
}

/** Follows the code to its end: a promise to its settling, anything else to the end of the answer. */
function run(call, res, result) {
  const whenClosed = () => {
    if (res._closed) call.settle();
    else res.onClosed = () => call.settle();
  };
  if (typeof result?.then === 'function') {
    result.then(whenClosed, (error) => {
      crash(call, res, error);
      call.settle();
    });
  } else {
    whenClosed();
  }
  return PENDING;
}

/** As the framework answers an error in production, and here always: its text is for the log alone. */
function crash(call, res, error, word = 'crash') {
  call.log(3, 3, String(error?.stack || error));
  if (res === undefined || call.cancelled) return;
  if (call.headSent || res.headersSent) {
    if (!res.finished) call.fail(error);
    return;
  }
  for (const name of res.getHeaderNames()) if (name === 'content-length' || name === 'transfer-encoding') res.removeHeader(name);
  res.set('X-Google-Status', word);
  res.sendStatus(500);
}

/** A small page of our own, in the words that Express has in production. */
function page(res, status) {
  const said = require('node:http').STATUS_CODES[status];
  res.status(status).set('Content-Security-Policy', "default-src 'none'").set('X-Content-Type-Options', 'nosniff');
  res.send(`<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n<pre>${said}</pre>\n</body>\n</html>\n`);
}

Object.defineProperties(Request.prototype, {
  executionId: { get() { return (this._executionId ??= this.headers['function-execution-id'] || newId()); } },
  spanId: { get() { return /^\w+\/(\d+)(?:;o=.+)?$/.exec(this.headers['x-cloud-trace-context'] ?? '')?.[1]; } },
});

function newId() {
  return Date.now().toString(36).slice(-6) + Math.random().toString(36).slice(-6);
}

module.exports = { make, open, readWhole, run, crash, page };
