// The small app for express.
const express = require('express');
const fs = require('node:fs/promises');

const app = express();
app.disable('x-powered-by');

app.get('/hello', (_, res) => res.type('text/plain').send('hello\n'));
app.post('/echo', (req, res) => {
  if (req.headers['content-type']) res.setHeader('content-type', req.headers['content-type']);
  req.pipe(res);
});
app.all(/^\/headers/, (req, res) =>
  res.json({
    method: req.method,
    target: req.originalUrl,
    query: req.originalUrl.split('?')[1] ?? '',
    headers: req.headers,
    remote: req.socket.remoteAddress,
  }),
);
app.get('/cookies', (_, res) => res.setHeader('set-cookie', ['a=1', 'b=2']).end());
app.get('/status/:code', (req, res) => res.status(+req.params.code).send(`status ${req.params.code}\n`));
app.get('/stream', (_, res) => {
  for (let n = 0; n < 10; n++) res.write(`piece ${n}\n`);
  res.end();
});
app.get('/big/:length', (req, res) => res.send(Buffer.alloc(+req.params.length, Buffer.from([...Array(251).keys()]))));
app.get('/events', async (req, res) => {
  res.type('text/event-stream').write('data: first\n\n');
  // A named pipe: this waits until the test has written into it.
  await fs.readFile(req.query.gate);
  res.end('data: second\n\n');
});

app.listen(process.env.PORT, '127.0.0.1');
