'use strict';
// The socket to heeler: frames in as they come, frames out gathered and written once for all that one read brought.

const fs = require('node:fs');
const net = require('node:net');
const { HEADER_BYTES, Parser, writeHeader } = require('./frame');

const READ_BYTES = 128 * 1024;
const OUT_BYTES = 64 * 1024;
/** Above this much unwritten output log lines go past the socket, so that a loop that prints cannot fill the memory. */
const CROWDED_BYTES = 4 * 1024 * 1024;

class Link {
  /** Takes over the descriptor. Node has set close-on-exec on it at its own start, as on all that it inherits. */
  constructor(fd, { onFrame, onBroken, onEnd }) {
    this.fd = fd;
    this.out = Buffer.allocUnsafeSlow(OUT_BYTES);
    this.used = 0;
    this.scheduled = false;
    this.closed = false;
    this.drainers = [];
    this.flush = this.flush.bind(this);
    this.drained = this.drained.bind(this);
    const parser = new Parser(onFrame);
    this.socket = new net.Socket({
      fd,
      readable: true,
      writable: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (size, buf) => {
          try {
            parser.feed(buf, size);
          } catch (error) {
            this.closed = true;
            onBroken(error);
          }
          return true;
        },
      },
    });
    const ended = () => {
      this.closed = true;
      onEnd();
    };
    this.socket.on('end', ended).on('close', ended).on('error', ended);
  }

  /** How many bytes wait because heeler does not read. */
  get waiting() {
    return this.socket.writableLength;
  }

  get crowded() {
    return this.waiting > CROWDED_BYTES;
  }

  /** Room for `size` bytes at `link.used`; the caller writes them and says so with `wrote`. */
  room(size) {
    if (this.used + size <= this.out.length) return this.out;
    this.flush();
    if (size > this.out.length) this.out = Buffer.allocUnsafeSlow(size);
    return this.out;
  }

  wrote(size) {
    this.used += size;
    if (this.scheduled) return;
    // The queue of ticks is served after the promises that this read has settled: one write for all of them.
    this.scheduled = true;
    process.nextTick(this.flush);
  }

  send(type, last, stream, payload) {
    const size = HEADER_BYTES + payload.length;
    const out = this.room(size);
    writeHeader(out, this.used, payload.length, type, last, stream);
    payload.copy(out, this.used + HEADER_BYTES);
    this.wrote(size);
  }

  /** A frame with body bytes: a large body is written from where it lies. */
  sendBody(type, last, stream, body) {
    if (body.length < OUT_BYTES / 4) return this.send(type, last, stream, body);
    const out = this.room(HEADER_BYTES);
    writeHeader(out, this.used, body.length, type, last, stream);
    this.used += HEADER_BYTES;
    this.flush();
    this.write(body, false);
  }

  flush() {
    this.scheduled = false;
    if (this.used === 0) return;
    const used = this.used;
    this.used = 0;
    this.write(this.out.subarray(0, used), true);
    if (this.out.length > OUT_BYTES) this.out = Buffer.allocUnsafeSlow(OUT_BYTES);
  }

  /** Straight to the kernel while it takes all; what it does not take waits in the socket's own queue. */
  write(bytes, reused) {
    let done = 0;
    if (this.socket.writableLength === 0) {
      try {
        done = fs.writeSync(this.fd, bytes, 0, bytes.length);
      } catch (error) {
        if (error.code !== 'EAGAIN') return this.socket.destroy();
      }
      if (done === bytes.length) return;
    }
    const rest = bytes.subarray(done);
    this.socket.write(reused ? Buffer.from(rest) : rest, this.drained);
  }

  /** Calls back as soon as nothing waits any more. */
  whenDrained(then) {
    this.flush();
    if (this.waiting === 0) then();
    else this.drainers.push(then);
  }

  drained() {
    while (this.waiting === 0 && this.drainers.length > 0) this.drainers.shift()();
  }

  /** For the last words of a process that is ending: waits for the kernel, but not long. */
  flushNow() {
    // What the socket's queue still holds would have to go first, and cannot: there is no loop any more.
    if (this.waiting > 0) return;
    let at = 0;
    for (let tries = 0; at < this.used && tries < 200; tries++) {
      try {
        at += fs.writeSync(this.fd, this.out, at, this.used - at);
      } catch (error) {
        if (error.code !== 'EAGAIN') return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      }
    }
    this.used = 0;
  }
}

module.exports = { Link };
