'use strict';
// Lambda: `handler(event, context)` with a promise, a callback or `context.succeed`, and streams of answers.

const { BadResult, fieldsOf, proxyParts, toJson, JSON_TYPE } = require('../values');
const { queryOf, structured, textOrBase64, typeOf } = require('../texts');

const STREAMING = Symbol.for('heeler.streaming');
const PROTOCOLS = { 10: 'HTTP/1.0', 11: 'HTTP/1.1', 20: 'HTTP/2.0' };
/** Lambda's longest; without a deadline there is always time. */
const LONGEST_MS = 900000;

function make({ fn, owner }) {
  const about = describeFunction(process.env);
  return {
    // There one process has one call at a time, and functions lean on it.
    concurrency: Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY) || 1,
    serve(call) {
      const event = call.isRequest ? proxyEvent(call) : structured(call);
      const context = new Context(call, about);
      const done = fn[STREAMING] ? stream(call, fn, owner, event, context) : invoke(fn, owner, event, context);
      return done.then(
        (value) => (fn[STREAMING] ? undefined : answer(call, value)),
        (error) => failed(call, error),
      ).catch((error) => failed(call, error));
    },
    failed,
    about: { streaming: String(Boolean(fn[STREAMING])) },
  };
}

function invoke(fn, owner, event, context) {
  return new Promise((resolve, reject) => {
    const done = (error, value) => (error === null || error === undefined ? resolve(value) : reject(error));
    context.done = done;
    context.succeed = resolve;
    context.fail = (error) => reject(error ?? new Error('context.fail'));
    const result = fn.call(owner, event, context, done);
    if (typeof result?.then === 'function') result.then(resolve, reject);
    else if (result !== undefined && fn.length < 2) resolve(result);
  });
}

function describeFunction(env) {
  const functionName = env.AWS_LAMBDA_FUNCTION_NAME || env.HKS_FUNCTION_NAME || env.K_SERVICE || 'function';
  return {
    functionName,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION || env.HKS_FUNCTION_VERSION || '$LATEST',
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE || '128',
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME || `/aws/lambda/${functionName}`,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME || env.HOSTNAME || 'local',
    invokedFunctionArn: `arn:aws:lambda:${env.AWS_REGION || 'local'}:000000000000:function:${functionName}`,
  };
}

class Context {
  #call;

  constructor(call, about) {
    this.#call = call;
    this.callbackWaitsForEmptyEventLoop = true;
    Object.assign(this, about);
    this.awsRequestId = call.callId;
    this.identity = undefined;
    this.clientContext = undefined;
  }

  getRemainingTimeInMillis() {
    return this.#call.remainingMs(LONGEST_MS);
  }

  /** Not Lambda's: fires when nobody waits any more. */
  get signal() {
    return this.#call.signal;
  }
}

/** The keys of payload 2.0, and those of 1.0 beside them. */
function proxyEvent(call) {
  const { method, path, query } = call;
  const { all } = queryOf(query);
  const { headers, many } = bothHeaders(call);
  const agent = headers['user-agent'] ?? '';
  const now = Date.now();
  const { text, encoded } = textOrBase64(call.first, typeOf(call));
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    cookies: headers.cookie === undefined ? [] : headers.cookie.split(/; */).filter(Boolean),
    headers,
    queryStringParameters: query === '' ? undefined : joined(all),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'heeler',
      domainName: headers.host ?? '',
      http: { method, path, protocol: PROTOCOLS[call.version] ?? 'HTTP/1.1', sourceIp: call.remote, userAgent: agent },
      identity: { sourceIp: call.remote, userAgent: agent },
      httpMethod: method,
      path,
      requestId: call.callId,
      routeKey: '$default',
      stage: '$default',
      time: logTime(now),
      timeEpoch: now,
    },
    resource: '/{proxy+}',
    httpMethod: method,
    path: decoded(path),
    multiValueHeaders: many,
    multiValueQueryStringParameters: query === '' ? null : all,
    pathParameters: { proxy: decoded(path).replace(/^\//, '') },
    stageVariables: null,
    body: call.first.length === 0 ? undefined : text,
    isBase64Encoded: encoded && call.first.length > 0,
  };
}

/** Repeated headers as one text, and all of them as lists. */
function bothHeaders(call) {
  const headers = {};
  const many = {};
  const { fields } = call;
  for (let at = call.headersFrom; at < fields.length; at += 2) {
    const name = fields[at];
    const value = fields[at + 1];
    if (name === '__proto__') continue;
    if (!Object.hasOwn(many, name)) {
      many[name] = [value];
      headers[name] = value;
    } else {
      many[name].push(value);
      headers[name] += (name === 'cookie' ? '; ' : ',') + value;
    }
  }
  return { headers, many };
}

function joined(all) {
  return Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values.join(',')]));
}

function decoded(path) {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The last second that was asked for, and how it is written. */
let second = 0;
let written = '';

/** 21/Nov/2026:17:12:05 +0000 */
function logTime(ms) {
  const now = Math.floor(ms / 1000);
  if (now !== second) [second, written] = [now, writeTime(new Date(ms))];
  return written;
}

function writeTime(date) {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(date.toUTCString());
  return `${day}/${month}/${year}:${time} +0000`;
}

function answer(call, result) {
  if (result === undefined || result === null) return call.reply(200, `content-type\0${JSON_TYPE}\0`, '');
  if (typeof result !== 'object' || result.statusCode === undefined) {
    return call.reply(200, `content-type\0${JSON_TYPE}\0`, typeof result === 'string' ? result : toJson(result));
  }
  const { status, headers, body } = proxyParts(result);
  if (body !== undefined && body !== null && typeof body !== 'string' && !Buffer.isBuffer(body)) {
    throw new BadResult(`the body of a result is text, not ${typeof body}; use JSON.stringify`);
  }
  const type = result.headers || body ? JSON_TYPE : 'text/plain; charset=utf-8';
  return call.reply(status, fieldsOf(headers, type), body ?? '');
}

/** The error document goes to the log; the caller hears what a gateway says. */
function failed(call, error) {
  const shown = error instanceof Error ? { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split('\n') } : { errorType: typeof error, errorMessage: String(error), trace: [] };
  call.log(3, 3, JSON.stringify(shown));
  if (call.headSent) return call.fail(error);
  return call.reply(502, `content-type\0${JSON_TYPE}\0`, '{"message":"Internal Server Error"}');
}

// ---- streams of answers

async function stream(call, fn, owner, event, context) {
  const { Writable } = require('node:stream');
  const out = new Writable({
    highWaterMark: 65536,
    write(bytes, encoding, then) {
      begin();
      if (call.write(bytes)) then();
      else call.onDrain = then;
    },
    final(then) {
      begin();
      call.end();
      then();
    },
  });
  const begin = () => {
    if (call.headSent) return;
    const prelude = out.prelude ?? { statusCode: 200, headers: { 'content-type': out.contentType ?? 'application/octet-stream' } };
    const { status, headers } = proxyParts(prelude);
    call.begin(status, fieldsOf(headers, 'application/octet-stream'));
  };
  out.setContentType = (type) => { out.contentType = type; };
  call.onCancel = () => out.destroy();
  out.on('error', (error) => { if (!call.cancelled) failed(call, error); });
  await fn.call(owner, event, out, context);
  // The function is through; what it did not end is ended for it.
  if (!out.writableEnded && !out.destroyed) out.end();
  if (!call.ended && !call.cancelled) await new Promise((resolve) => { out.once('close', resolve); });
}

module.exports = { make };
