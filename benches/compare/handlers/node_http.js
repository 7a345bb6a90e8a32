'use strict';
// node:http without a framework: node node_http.js PORT [PROCESSES], one process or a cluster.

const cluster = require('node:cluster');
const http = require('node:http');

const HELLO = Buffer.alloc(100, 'x');
const [port, processes] = process.argv.slice(2).map(Number);

function serve() {
  http.createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      const body = pieces.length > 0 ? Buffer.concat(pieces) : HELLO;
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length });
      response.end(body);
    });
  }).listen(port, '127.0.0.1');
}

if (processes > 1 && cluster.isPrimary) {
  for (let count = 0; count < processes; count += 1) cluster.fork();
} else {
  serve();
}
