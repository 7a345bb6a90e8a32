'use strict';
// All calls that are open: frames of heeler go to their call, and the function is started for each new one.

const { AsyncLocalStorage } = require('node:async_hooks');
const { T, Broken, CRASHED, readU32, fieldText } = require('./frame');
const { Call, EMPTY } = require('./call');
const { sendLog } = require('./log');

const LARGEST_STREAM = 0x7fffffff;
const MAX_WINDOW = 0x7fffffff;

class Serving {
  constructor(link, { peerWindow, concurrency }) {
    this.link = link;
    this.peerWindow = peerWindow;
    this.concurrency = concurrency;
    this.open = new Map();
    this.newest = 0;
    this.wrapped = false;
    this.current = new AsyncLocalStorage();
    this.style = null;
    this.onFault = null;
    this.alive = null;
    this.ready = null;
    this.leaving = false;
    this.retired = false;
    this.onIdle = null;
    this.serveOne = (call) => this.style.serve(call);
  }

  /** Whose code is running, if anybody's. */
  call() {
    return this.current.getStore();
  }

  /** Runs code of the function's that has nobody to catch its errors. */
  inCall(call, then, value) {
    try {
      this.current.run(call, then, value);
    } catch (error) {
      if (error instanceof Broken) throw error;
      this.onFault(call, error);
    }
  }

  frame(type, last, stream, buf, start, end, owned) {
    if (type === T.CALL) return this.begin(last, stream, buf, start, end, owned);
    if (stream === 0) return this.connection(type, buf, start, end);
    const call = this.open.get(stream);
    if (call === undefined) return this.passOver(type, stream);
    switch (type) {
      case T.DATA:
        if (call.inputEnded) throw new Broken(`body bytes on stream ${stream} behind its last`);
        call.data(owned ? buf.subarray(start, end) : Buffer.from(buf.subarray(start, end)), last);
        return this.forget(call);
      case T.END:
        if (call.inputEnded) throw new Broken(`an end on stream ${stream} behind its last`);
        call.data(EMPTY, true);
        return this.forget(call);
      case T.CANCEL:
        return call.cancelled ? undefined : call.cancel();
      case T.WINDOW:
        return call.window(this.room(call, buf, start, end));
      default:
        return this.unknown(type, stream);
    }
  }

  room(call, buf, start, end) {
    const bytes = end - start === 4 ? readU32(buf, start) : 0;
    if (bytes === 0 || call.sendWindow + bytes > MAX_WINDOW) throw new Broken(`no such window on stream ${call.id}`);
    return bytes;
  }

  connection(type, buf, start, end) {
    if (type === T.PING && end - start === 1) return void this.pong(buf[start]);
    if (type === T.BYE) return this.leave();
    return this.unknown(type, 0);
  }

  unknown(type, stream) {
    throw new Broken(`a frame of type ${type} on stream ${stream}`);
  }

  /** Frames for a call that has ended here may have crossed its last words. */
  passOver(type, stream) {
    const used = this.wrapped || stream <= this.newest;
    if (!used || type < T.CALL || type > T.BYE) this.unknown(type, stream);
  }

  begin(last, stream, buf, start, end, owned) {
    if (stream === 0 || stream > LARGEST_STREAM) throw new Broken(`a call on stream ${stream}`);
    if (this.open.has(stream)) throw new Broken(`a second call on stream ${stream}`);
    if (stream < this.newest) this.wrapped = true;
    this.newest = stream;
    const call = new Call(this, stream, last, buf, start, end, owned);
    this.open.set(stream, call);
    if (call.events !== null) this.beginBatch(call);
    else if (call.bodyIsHere || this.style.streams) this.start(call);
    else call.gather(() => this.start(call));
  }

  beginBatch(call) {
    const begin = () => {
      require('./batch').open(call, this.style.lists);
      this.start(call);
    };
    if (call.bodyIsHere) begin();
    else call.gather(begin);
  }

  start(call) {
    call.started = true;
    try {
      const result = this.current.run(call, this.serveOne, call);
      if (result !== null && typeof result === 'object' && typeof result.then === 'function') this.follow(call, result);
      else if (result !== PENDING) call.settle();
    } catch (error) {
      this.raise(call, error);
    }
  }

  /** The function's code has ended with an error: its style knows how that is answered. */
  raise(call, error) {
    try {
      if (this.style.failed) this.style.failed(call, error);
      else call.fail(error);
    } catch (failure) {
      call.fail(failure);
    }
    call.settle();
  }

  follow(call, promise) {
    promise.then(
      () => call.settle(),
      (error) => this.raise(call, error),
    );
  }

  /** Our side of the call is through. */
  answered(call, atOnce) {
    if (atOnce || call.inputEnded) this.remove(call);
  }

  forget(call) {
    if (call.ended && call.inputEnded) this.remove(call);
  }

  remove(call) {
    this.open.delete(call.id);
    if (this.open.size === 0 && this.leaving) this.idle();
  }

  async pong(question) {
    const hook = question === 0 ? this.alive : this.ready;
    // What the function says of itself counts, and not how much it has to do.
    let well = question === 0 || hook !== null || (!this.leaving && this.open.size < this.concurrency);
    let text = `${this.open.size} of ${this.concurrency} places taken`;
    if (hook !== null) {
      try {
        const said = await hook();
        const [yes, why] = Array.isArray(said) ? said : [said];
        if (yes === false) well = false;
        if (why !== undefined) text = String(why);
      } catch (error) {
        well = false;
        text = String(error?.message ?? error);
      }
    }
    this.link.send(T.PONG, false, 0, Buffer.concat([Buffer.from([question, well ? 1 : 0]), Buffer.from(text)]));
  }

  log(stream, level, source, line) {
    sendLog(this.link, stream, level, source, line);
  }

  /** No more calls are wanted: heeler puts another worker in this place and then says BYE itself. */
  retire(why) {
    if (this.retired) return;
    this.retired = true;
    this.link.send(T.BYE, false, 0, Buffer.from(fieldText(why)));
  }

  leave() {
    this.leaving = true;
    if (this.open.size === 0) this.idle();
  }

  idle() {
    if (this.onIdle === null) return;
    const tell = this.onIdle;
    this.onIdle = null;
    tell();
  }

  /** The process ends: whoever ended it is to blame, all others may try again. */
  crash(message, culprit) {
    for (const call of [...this.open.values()]) {
      if (call.ended) continue;
      call.fail(new Error(message), { kind: CRASHED, retry: culprit !== undefined && call !== culprit });
    }
    this.link.flush();
  }
}

/** What `run` returns while the function's code still goes on, without a promise to follow; it will call `settle`. */
const PENDING = Symbol('pending');

module.exports = { Serving, PENDING };
