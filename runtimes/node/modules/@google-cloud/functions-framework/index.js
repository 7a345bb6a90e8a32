'use strict';
// Stands in for the package of this name where it is not installed: functions register themselves here.

const registered = new Map();
const VALID = /^[A-Za-z](?:[-_A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;

function register(name, signatureType, userFunction) {
  if (!VALID.test(name)) throw new Error(`Invalid function name: ${name}`);
  registered.set(name, { signatureType, userFunction });
}

exports.http = (name, handler) => register(name, 'http', handler);
exports.cloudEvent = (name, handler) => register(name, 'cloudevent', handler);
exports.event = (name, handler) => register(name, 'event', handler);
exports.typed = (name, handler) => register(name, 'typed', handler);
exports[Symbol.for('heeler.registered')] = registered;
