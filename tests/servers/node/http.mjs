// What only Node's own http offers with ease: trailers and early hints; and the small app without any framework.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';

const pages = {
  hello: (_, res) => res.setHeader('content-type', 'text/plain').end('hello\n'),
  echo: (req, res) => {
    if (req.headers['content-type']) res.setHeader('content-type', req.headers['content-type']);
    req.pipe(res);
  },
  headers: (req, res) => {
    const { method, url: target, headers } = req;
    const query = target.split('?')[1] ?? '';
    res.end(JSON.stringify({ method, target, query, headers, remote: req.socket.remoteAddress, port: req.socket.remotePort }));
  },
  cookies: (_, res) => res.setHeader('set-cookie', ['a=1', 'b=2']).end(),
  status: (_, res, code) => res.writeHead(+code).end(`status ${code}\n`),
  stream: (_, res) => {
    for (let n = 0; n < 10; n++) res.write(`piece ${n}\n`);
    res.end();
  },
  big: (_, res, length) => res.end(Buffer.alloc(+length, Buffer.from([...Array(251).keys()]))),
  events: async (req, res) => {
    res.setHeader('content-type', 'text/event-stream').write('data: first\n\n');
    // A named pipe: this waits until the test has written into it.
    await readFile(new URL(req.url, 'http://host').searchParams.get('gate'));
    res.end('data: second\n\n');
  },
  trailers: (_, res) => {
    res.writeHead(200, { trailer: 'x-late' });
    res.write('body\n');
    res.addTrailers({ 'x-late': '1' });
    res.end();
  },
  hints: (_, res) => {
    res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' }, () => res.end('hinted\n'));
  },
};

const server = createServer((req, res) => {
  const [word, rest] = req.url.slice(1).split(/[/?]/);
  (pages[word] ?? pages.status)(req, res, pages[word] ? rest : '404');
});
server.listen(process.env.PORT, '127.0.0.1');
