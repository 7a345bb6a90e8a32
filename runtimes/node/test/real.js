'use strict';
// The real functions framework as a process: node real.js FILE TARGET SIGNATURE prints the port that it listens on.

const { createRequire } = require('node:module');

const [file, target, signature] = process.argv.slice(2);
process.env.FUNCTION_TARGET = target;
const from = createRequire(file);
const exported = from(file);
const path = require('node:path').dirname(from.resolve('@google-cloud/functions-framework'));
const { getRegisteredFunction } = from(`${path}/function_registry.js`);
const { getServer } = from(`${path}/server.js`);
const registered = getRegisteredFunction(target) ?? { userFunction: exported[target], signatureType: signature };
const server = getServer(registered.userFunction, { signatureType: registered.signatureType, timeoutMilliseconds: 0, ignoredRoutes: null });
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
