'use strict';
// The words of each status, taken from Node where it has loaded them.

const { STATUS_CODES } = require('node:http');

module.exports = { STATUS_CODES };
