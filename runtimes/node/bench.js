'use strict';
// CPU of a worker per call, beside that of bare node:http: node bench.js [calls [at once]].
// Small calls over a socket pair, by default 16 at a time; 1 at a time each costs a read, a write and a wait of its own.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const { Peer, callFrame, folder, T } = require('./test/peer');

const CALLS = Number(process.argv[2] ?? 200000);
const AT_ONCE = Number(process.argv[3] ?? 16);
const HEADERS = { host: 'localhost:8080', 'user-agent': 'bench/1', accept: '*/*', 'content-type': 'text/plain' };
const BODY = 'x'.repeat(100);
const HANDLERS = {
  'http (req, res)': ['exports.function = (req, res) => { res.end("hello") };', { handler_style: 'http' }],
  'http res.send': ['exports.function = (req, res) => { res.send("hello") };', { handler_style: 'http' }],
  'hks handle(event)': ['exports.handle = async (event) => "hello";', { handler_style: 'hks' }],
  'func': ['exports.handle = async (context, data) => "hello";', { handler_style: 'func' }],
  'lambda': ['exports.handler = async (event, context) => ({ statusCode: 200, body: "hello" });', { handler_style: 'lambda' }],
};

function cpuMs(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function report(name, pid, calls, cpu, began) {
  const took = Number(process.hrtime.bigint() - began) / 1e9;
  console.log(`${name.padEnd(20)} ${((cpuMs(pid) - cpu) * 1000 / calls).toFixed(1)} us CPU per call, ${Math.round(calls / took)} calls/s`);
}

async function warm(name, [code, settings]) {
  const peer = await new Peer({ cwd: folder(null, { 'function.js': code }) }).greeted({ settings });
  const counts = await new Promise((resolve) => {
    let answered = 0;
    let sent = 0;
    let cpu;
    let began;
    const call = () => peer.socket.write(callFrame(++sent, { method: 'POST', headers: HEADERS, body: BODY }));
    peer.frames.push = (frame) => {
      if (frame.type !== T.REPLY) throw new Error(`frame ${frame.type}: ${frame.payload}`);
      answered++;
      if (answered === CALLS / 10) [cpu, began] = [cpuMs(peer.child.pid), process.hrtime.bigint()];
      if (answered === CALLS) return resolve({ cpu, began });
      if (sent < CALLS) call();
      return 0;
    };
    for (let at = 0; at < AT_ONCE; at++) call();
  });
  report(name, peer.child.pid, CALLS * 0.9, counts.cpu, counts.began);
  await peer.bye();
}

async function bare() {
  const code = 'require("node:http").createServer((req, res) => { req.resume(); res.end("hello") }).listen(0, "127.0.0.1", function () { console.log(this.address().port) })';
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise((resolve) => child.stdout.once('data', (text) => resolve(Number(text))));
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const calls = CALLS / 10;
  const one = () => new Promise((resolve) => http.request({ port, host: '127.0.0.1', agent, method: 'POST', headers: HEADERS }, (res) => res.resume().on('end', resolve)).end(BODY));
  const many = async (count) => { for (let at = 0; at < count / AT_ONCE; at++) await one(); };
  const all = (count) => Promise.all(Array.from({ length: AT_ONCE }, () => many(count)));
  await all(calls / 10);
  const cpu = cpuMs(child.pid);
  const began = process.hrtime.bigint();
  await all(calls);
  report('bare node:http', child.pid, calls, cpu, began);
  child.kill();
  agent.destroy();
}

(async () => {
  await bare();
  for (const [name, handler] of Object.entries(HANDLERS)) await warm(name, handler).catch((error) => console.log(name, error.message));
})();
