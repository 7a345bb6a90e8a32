// What the package cloudevents says of messages: one on each line of stdin, one answer on each line of stdout.
'use strict';
const { HTTP } = require('cloudevents');
const { createInterface } = require('node:readline');

function raw(event) {
  if (event.data_base64) return Buffer.from(event.data_base64, 'base64');
  if (event.data === undefined) return null;
  if (typeof event.data === 'string') return Buffer.from(event.data);
  return ArrayBuffer.isView(event.data) ? Buffer.from(event.data) : Buffer.from(JSON.stringify(event.data));
}

function opinion(message) {
  const body = Buffer.from(message.body, 'base64').toString();
  let event;
  try {
    // An empty body is none, as its own examples for HTTP servers have it.
    event = HTTP.toEvent({ headers: message.headers, body: body === '' ? undefined : body });
    // It checks what it read only when it is asked to.
    event.validate();
  } catch (error) {
    return { refused: error.constructor.name };
  }
  const own = Object.entries(event).filter(([name, value]) => !name.startsWith('data_') && name !== 'data' && value != null);
  // JSON in UTF-8 has no halves of surrogate pairs.
  const attributes = Object.fromEntries(own.map((pair) => pair.map((text) => String(text).toWellFormed())));
  const data = raw(event);
  return { attributes, data: data && data.toString('base64') };
}

createInterface({ input: process.stdin }).on('line', (line) => console.log(JSON.stringify(opinion(JSON.parse(line)))));
