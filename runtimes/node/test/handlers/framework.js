// Functions as people write them for the functions framework. The same file runs under the real one and under ours.
const functions = require('@google-cloud/functions-framework');

const http = {
  hello: (req, res) => res.send(`Hello ${req.query.name || req.body?.name || 'World'}!`),
  end: (req, res) => res.end('plain end'),
  json: (req, res) => res.json({ a: 1, b: [true, null, 'ü'] }),
  sendObject: (req, res) => res.send({ x: 'y' }),
  sendNumber: (req, res) => res.send(12),
  sendBuffer: (req, res) => res.send(Buffer.from([0, 1, 2, 255])),
  sendNull: (req, res) => res.send(null),
  sendNothing: (req, res) => res.send(),
  status: (req, res) => res.status(418).send('teapot'),
  sendStatus: (req, res) => res.sendStatus(404),
  noContent: (req, res) => res.status(204).send('dropped'),
  reset: (req, res) => res.status(205).send('dropped'),
  types: (req, res) => res.type(req.query.t).send('x'),
  setType: (req, res) => res.set('Content-Type', req.query.t).send('x'),
  setBuffer: (req, res) => res.set('Content-Type', req.query.t).send(Buffer.from('x')),
  headers: (req, res) => res.set({ 'X-One': '1', 'X-Two': ['a', 'b'] }).append('X-Two', 'c').append('Link', 'l').send(String(res.get('x-one'))),
  cookies: (req, res) => res.cookie('a', 'b c').cookie('o', { x: 1 }, { httpOnly: true, secure: true, sameSite: 'lax', domain: 'example.com', path: '/p' }).clearCookie('gone').send('ok'),
  redirect: (req, res) => res.redirect('/else where?q=ü&r=%20'),
  redirect301: (req, res) => res.redirect(301, 'https://example.com/<b>'),
  location: (req, res) => res.location('/there').status(201).end(),
  vary: (req, res) => res.vary('Origin').vary('origin').vary('Accept').send('v'),
  links: (req, res) => res.links({ next: 'http://n', last: 'http://l' }).send('l'),
  attachment: (req, res) => res.attachment('report "1".pdf').send('pdf'),
  format: (req, res) => res.format({ text: () => res.send('t'), html: () => res.send('<h>'), json: () => res.json(1) }),
  jsonp: (req, res) => res.jsonp({ a: 1 }),
  file: (req, res) => res.sendFile(require('path').join(__dirname, 'data.txt')),
  download: (req, res) => res.download(require('path').join(__dirname, 'data.txt'), 'd.txt'),
  accepts: (req, res) => res.json([req.accepts('json', 'html') || null, req.acceptsLanguages('de', 'en') || null, req.is('json') || null]),
  write: (req, res) => {
    res.writeHead(201, { 'Content-Type': 'text/x', 'X-A': 'b' });
    res.write('one ');
    res.write('two ');
    setImmediate(() => res.end('three'));
  },
  pipe: (req, res) => require('fs').createReadStream(require('path').join(__dirname, 'data.txt')).pipe(res),
  pipeline: (req, res) => require('stream').pipeline(require('fs').createReadStream(require('path').join(__dirname, 'data.txt')), res, () => {}),
  echo: (req, res) => res.json({
    method: req.method, url: req.url, originalUrl: req.originalUrl, path: req.path, query: req.query, body: req.body === undefined ? 'undefined' : req.body,
    raw: req.rawBody === undefined ? 'undefined' : req.rawBody.toString('base64'), isBuffer: Buffer.isBuffer(req.body),
    get: req.get('X-Test') ?? null, referrer: req.get('referrer') ?? null, hostname: req.hostname, ip: req.ip, ips: req.ips, protocol: req.protocol, secure: req.secure,
    xhr: req.xhr, subdomains: req.subdomains, httpVersion: req.httpVersion, id: typeof req.executionId, span: req.spanId ?? null,
    xtest: req.headers['x-test'] ?? null, cookie: req.headers.cookie ?? null,
  }),
  throwing: () => { throw new Error('it broke'); },
  rejecting: async () => { throw new TypeError('it broke later'); },
  throwingText: () => { throw 'a text'; },
  badHeader: (req, res) => res.set('X-Bad', 'a\nb').send('never'),
  badStatus: (req, res) => res.status(99).send('never'),
  twice: (req, res) => { res.send('first'); try { res.send('second'); } catch (error) { console.log(error.code); } },
  lateThrow: (req, res) => { setTimeout(() => { throw new Error('late'); }, 1); },
  locals: (req, res) => { res.locals.x = 1; res.json([typeof res.locals, res.headersSent, res.writableEnded, req.app === res.app, req.res === res, res.req === req]); },
  etag: (req, res) => res.set('ETag', '"v1"').send('tagged'),
  events: (req, res) => { const said = []; res.on('finish', () => { said.push('finish'); }).on('close', () => { said.push('close'); console.log(said.join()); }); res.send('e'); },
  app: (() => {
    let app;
    return (req, res) => {
      if (app === undefined) {
        const express = require('express');
        app = express();
        app.use(express.json());
        app.get('/app/:id', (req, res) => res.send(`id ${req.params.id} ${req.query.q ?? ''}`));
        app.post('/app/post', (req, res) => res.status(201).json({ got: req.body }));
        app.use((error, req, res, next) => res.status(500).send(`handled ${error.message}`));
        app.get('/fails', () => { throw new Error('inside'); });
      }
      app(req, res);
    };
  })(),
};
for (const [name, handler] of Object.entries(http)) functions.http(name, handler);

const said = (event) => JSON.parse(JSON.stringify(event));
functions.cloudEvent('ceEcho', (event) => ({ event: said(event), buffer: Buffer.isBuffer(event.data) }));
functions.cloudEvent('ceNothing', () => {});
functions.cloudEvent('ceNumber', () => 7);
functions.cloudEvent('ceText', async () => 'text');
functions.cloudEvent('ceThrows', () => { throw new Error('event broke'); });
functions.cloudEvent('ceCallback', (event, done) => setImmediate(done, null, { id: event.id }));
functions.cloudEvent('ceCallbackError', (event, done) => done(new Error('called back')));
functions.cloudEvent('ceCycle', () => { const a = {}; a.a = a; return a; });
exports.background = (data, context) => ({ data, context });
exports.backgroundCallback = (data, context, done) => done(null, [data, context.eventType ?? context.type ?? null]);
