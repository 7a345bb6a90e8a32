'use strict';
// functions-framework: the same file under heeler and under the framework.

const HELLO = Buffer.alloc(100, 'x');

exports.function = (req, res) => {
  res.end(req.rawBody !== undefined && req.rawBody.length > 0 ? req.rawBody : HELLO);
};
