'use strict';
// The global of Lambda's streams of answers: handlers are wrapped with it while they load.

const STREAMING = Symbol.for('heeler.streaming');

function install() {
  globalThis.awslambda ??= {
    streamifyResponse(handler) {
      handler[STREAMING] = true;
      return handler;
    },
    HttpResponseStream: {
      from(out, prelude) {
        out.prelude = prelude;
        return out;
      },
    },
  };
}

module.exports = { install };
