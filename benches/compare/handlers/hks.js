'use strict';
// HKS: heeler alone.

const HELLO = Buffer.alloc(100, 'x');

exports.handle = (request) => (request.rawBody.length > 0 ? request.rawBody : HELLO);
