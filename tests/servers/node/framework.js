// The small app as functions of the functions-framework: `play` takes requests, `event` takes CloudEvents.
const functions = require('@google-cloud/functions-framework');
const fs = require('node:fs/promises');

functions.http('play', async (req, res) => {
  const [word, rest] = req.path.slice(1).split('/');
  switch (word) {
    case 'hello':
      return res.type('text/plain').send('hello\n');
    case 'echo':
      if (req.headers['content-type']) res.setHeader('content-type', req.headers['content-type']);
      return res.end(req.rawBody);
    case 'headers':
      return res.json({
        method: req.method,
        target: req.originalUrl,
        query: req.originalUrl.split('?')[1] ?? '',
        headers: req.headers,
        remote: req.socket.remoteAddress,
      });
    case 'cookies':
      return res.setHeader('set-cookie', ['a=1', 'b=2']).end();
    case 'status':
      return res.status(+rest).send(`status ${rest}\n`);
    case 'stream':
      for (let n = 0; n < 10; n++) res.write(`piece ${n}\n`);
      return res.end();
    case 'big':
      return res.send(Buffer.alloc(+rest, Buffer.from([...Array(251).keys()])));
    case 'events':
      res.type('text/event-stream').write('data: first\n\n');
      // A named pipe: this waits until the test has written into it.
      await fs.readFile(req.query.gate);
      return res.end('data: second\n\n');
    default:
      return res.status(404).send('no such page\n');
  }
});

functions.cloudEvent('event', ({ id, type, source, data }) => {
  console.log('event', id, type, source, data.name);
});
