'use strict';
// Errors that nobody caught, and ends that nobody asked for: each goes to the call in whose code it happened.

/** Installed behind the load: while loading Node's own way of dying is the right one. */
function watch(serving) {
  serving.onFault = (call, error) => fault(serving, call, error);
  process.on('unhandledRejection', (reason) => {
    if (process.listenerCount('unhandledRejection') > 1) return;
    const call = serving.call();
    console.error('unhandled rejection:', reason);
    // A rejected promise leaves nothing half done in the process: the worker goes on.
    if (call !== undefined) serving.raise(call, reason);
  });
  process.on('uncaughtException', (error, origin) => {
    if (origin === 'unhandledRejection' || process.listenerCount('uncaughtException') > 1) return;
    fault(serving, serving.call(), error);
  });
  process.on('exit', (code) => {
    if (serving.link.closed) return;
    serving.crash(`the process ended with code ${code}`, serving.call());
    serving.link.flushNow();
  });
}

function fault(serving, call, error) {
  console.error('uncaught exception:', error);
  if (call !== undefined) serving.raise(call, error);
  // Whatever was on the stack was left in the middle: nobody knows what it holds. Calls under way finish here.
  serving.retire(`uncaught exception: ${error?.message ?? error}`);
}

module.exports = { watch };
