'use strict';
// The real Express of the function's own packages, loaded when something is asked for that only Express has.

const Module = require('node:module');
const { describe, Call } = require('../call');

const { createRequire } = Module;

const PACKAGES = ['express', '@google-cloud/functions-framework'];
let from = null;
let loaded;
let app;

/** Where an application of Express begins with each request. */
const APPLICATION = /[\\/]express[\\/]lib[\\/]application\.js$/;

/**
 * An application of Express shows the stack of an error that nobody took to whoever called, unless NODE_ENV says
 * production. Here it is as if that were so, whatever NODE_ENV says, and the stack goes to the log of the call.
 */
function hideErrors() {
  const loadFile = Module._extensions['.js'];
  Module._extensions['.js'] = function (module, file) {
    loadFile(module, file);
    if (APPLICATION.test(file)) hideErrorsOf(module);
  };
}

function hideErrorsOf(module) {
  const { handle } = module.exports;
  const makeLast = module.require('finalhandler');
  module.exports.handle = function (req, res, next) {
    return handle.call(this, req, res, next ?? (req.call instanceof Call ? last(makeLast, req, res) : next));
  };
}

function last(makeLast, req, res) {
  const answer = makeLast(req, res, { env: 'production' });
  return (error) => {
    if (error && res.headersSent) return req.call.fail(error);
    if (error) req.call.log(3, 3, describe(error).stack);
    return answer(error);
  };
}

/** Packages are looked for from the handler's file on. */
function lookFrom(file) {
  from = createRequire(file);
}

/** Express, or null. It may be installed for the functions framework alone. */
function load() {
  if (loaded !== undefined) return loaded;
  loaded = null;
  for (const name of PACKAGES) {
    try {
      loaded = name === 'express' ? from(name) : createRequire(from.resolve(name))('express');
      break;
    } catch (error) {
      if (error?.code !== 'MODULE_NOT_FOUND' && error?.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    }
  }
  return loaded;
}

/** An application with the settings that the functions framework gives it; undefined without Express. */
function application() {
  if (app === undefined && load() !== null) {
    app = load()();
    app.enable('trust proxy').disable('x-powered-by').set('etag', false);
  }
  return app;
}

/** A method of Express' own request or answer. */
function method(ours, name) {
  const express = load();
  const where = ours.name === 'Request' ? 'request' : 'response';
  if (express === null) throw new Error(`${where === 'request' ? 'req' : 'res'}.${name} needs the package express, which is not installed beside the function`);
  return express[where][name];
}

/** The media type of an ending that is not among our own. */
function typeOf(ending) {
  if (load() === null) return 'application/octet-stream';
  let type = '';
  const probe = { app: application(), set: (_, value) => { type = value; return probe; } };
  loaded.response.type.call(probe, ending);
  return type || 'application/octet-stream';
}

module.exports = { hideErrors, lookFrom, app: application, method, typeOf };
