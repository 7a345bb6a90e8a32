package worker

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// slack is what our own clock leaves to heeler, which cancels a call at its deadline: a function that returns because its
// context has ended is then too late to answer, as it should be.
const slack = 100 * time.Millisecond

// errGone is why a cancelled call's bodies cannot be read or written any more.
var errGone = context.Canceled

// CallKey is where a request's context has the call of heeler's that it is, for packages that know more of heeler than
// net/http does: events take decoded attributes from there. It is a plain text so that they need not import this one.
const CallKey = "heeler.call"

// local is where calls come in, as net/http tells it of a Unix socket that has no name.
var local net.Addr = &net.UnixAddr{Net: "unix"}

// callContext is the context of one call. Channel and timer are there once somebody asks for them: most functions do not.
type callContext struct {
	call  *call
	mu    sync.Mutex
	done  chan struct{}
	err   error
	timer *time.Timer
	after map[*func()]struct{}
}

func (x *callContext) Deadline() (time.Time, bool) { return x.call.deadline, !x.call.deadline.IsZero() }

func (x *callContext) Value(key any) any {
	switch key {
	case CallKey:
		return x.call
	case http.ServerContextKey:
		return x.call.serving.server
	case http.LocalAddrContextKey:
		return local
	}
	return nil
}

func (x *callContext) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err == nil && !x.call.deadline.IsZero() && time.Since(x.call.deadline) >= slack {
		x.finish(context.DeadlineExceeded)
	}
	return x.err
}

func (x *callContext) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done == nil {
		x.done = make(chan struct{})
		if x.err != nil {
			close(x.done)
		}
		x.watch()
	}
	return x.done
}

// AfterFunc is what the context package looks for in contexts that are not its own: those that are derived from this one
// then need no goroutine each.
func (x *callContext) AfterFunc(then func()) (stop func() bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		go then()
		return func() bool { return false }
	}
	if x.after == nil {
		x.after = make(map[*func()]struct{})
	}
	x.after[&then] = struct{}{}
	x.watch()
	return func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		_, waits := x.after[&then]
		delete(x.after, &then)
		return waits
	}
}

// watch starts the timer of the deadline, with the lock held.
func (x *callContext) watch() {
	if x.timer == nil && x.err == nil && !x.call.deadline.IsZero() {
		x.timer = time.AfterFunc(time.Until(x.call.deadline)+slack, func() { x.cancel(context.DeadlineExceeded) })
	}
}

func (x *callContext) cancel(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.finish(err)
}

func (x *callContext) finish(err error) {
	if x.err != nil {
		return
	}
	x.err = err
	if x.done != nil {
		close(x.done)
	}
	for then := range x.after {
		go (*then)()
	}
	x.after = nil
	if x.timer != nil {
		x.timer.Stop()
	}
}

// end is the function's: as with net/http its context is over when it has returned.
func (x *callContext) end() {
	x.mu.Lock()
	x.finish(context.Canceled)
	x.mu.Unlock()
}
