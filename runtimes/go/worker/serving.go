package worker

import (
	"context"
	"encoding/binary"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"
)

const (
	// mostTurns bounds how often the reader lets others run before it writes what they have said.
	mostTurns = 4
	// hearing is how long a cancelled call has to end before it is said to run on.
	hearing = 2 * time.Millisecond
)

// serving is all calls that are open: frames go to their call, and each new one is started.
type serving struct {
	link        *link
	function    *Function
	window      uint32
	concurrency uint32
	hands       hands
	processors  processors
	// What net/http has in each request's context. It listens nowhere.
	server *http.Server
	// Calls that one read has brought.
	begun int

	mu   sync.Mutex
	open map[uint32]*call
	// The newest stream's number, and whether numbers have begun anew.
	newest  uint32
	wrapped bool
	leaving bool
	retired bool
	// Closed when no more calls will come and none is open.
	idle chan struct{}
	gone bool
	// Calls that were cancelled by what one read brought.
	cancelled []cancelled
	// Told of bytes that are broken, where they are found later than read.
	broke func(error)
}

func newServing(l *link, function *Function, greeted greeting) *serving {
	concurrency := uint32(usualConcurrency)
	if function.Concurrency > 0 {
		concurrency = function.Concurrency
	}
	if greeted.concurrency > 0 && greeted.concurrency < concurrency {
		concurrency = greeted.concurrency
	}
	s := &serving{
		link: l, function: function, window: greeted.window, concurrency: concurrency,
		server: &http.Server{Handler: function}, open: make(map[uint32]*call), idle: make(chan struct{}),
	}
	s.processors.settle(greeted.settings["processors"])
	l.gathers = &s.processors.light
	return s
}

// take hands a frame to whom it is for. Only the goroutine that reads calls it.
func (s *serving) take(f frame) error {
	if f.kind == tCall {
		return s.begin(f)
	}
	if f.stream == 0 {
		return s.connection(f)
	}
	s.mu.Lock()
	c, known := s.open[f.stream]
	used := s.wrapped || f.stream <= s.newest
	s.mu.Unlock()
	if !known {
		// It may have crossed the last words of its call.
		if used {
			return nil
		}
		return brokenf("a frame of type %d for call %d, which there never was", f.kind, f.stream)
	}
	switch f.kind {
	case tData:
		return c.body.more(f.payload, f.last)
	case tEnd:
		return c.body.end(f.payload)
	case tCancel:
		return s.cancel(c, f.payload)
	case tWindow:
		return c.allow(f.payload)
	}
	return brokenf("a frame of type %d on stream %d", f.kind, f.stream)
}

func (s *serving) connection(f frame) error {
	switch {
	case f.kind == tPing && len(f.payload) == 1:
		s.ping(f.payload[0])
		return nil
	case f.kind == tBye:
		s.leave()
		return nil
	}
	return brokenf("a frame of type %d on stream 0", f.kind)
}

func (s *serving) begin(f frame) error {
	if f.stream == 0 {
		return broken("a call on stream 0")
	}
	c, err := newCall(s, f)
	if err != nil {
		return err
	}
	s.mu.Lock()
	_, twice := s.open[f.stream]
	s.wrapped = s.wrapped || f.stream < s.newest
	s.newest = f.stream
	s.open[f.stream] = c
	s.mu.Unlock()
	if twice {
		return brokenf("a second call on stream %d", f.stream)
	}
	s.begun++
	s.hands.run(c)
	return nil
}

// quiet is called when all is taken that one read brought.
func (s *serving) quiet() {
	s.letRun()
	s.tellCancelled()
}

// letRun gives what has just begun its turn, so that all that ends at once is answered with one write.
func (s *serving) letRun() {
	if s.begun == 0 {
		return
	}
	s.processors.calls.Add(int64(s.begun))
	s.begun = 0
	began := time.Now()
	for tries := 0; tries < mostTurns; tries++ {
		before := s.hands.busy.Load()
		runtime.Gosched()
		// The scheduler may come back to us before it has been everywhere.
		if left := s.hands.busy.Load(); left == 0 || left == before || !s.processors.light.Load() {
			break
		}
	}
	now := time.Now()
	s.processors.batch(now, now.Sub(began))
}

// cancelled is a call that nobody waits for, and why its context ends.
type cancelled struct {
	call *call
	why  error
}

func (s *serving) cancel(c *call, payload []byte) error {
	const late, ending = 1, 2
	if len(payload) != 1 || payload[0] > ending {
		return brokenf("a CANCEL of %x on stream %d", payload, c.id)
	}
	why := errGone
	if payload[0] == late {
		why = context.DeadlineExceeded
	}
	s.cancelled = append(s.cancelled, cancelled{c, why})
	return nil
}

func (s *serving) tellCancelled() {
	if len(s.cancelled) == 0 {
		return
	}
	calls := s.cancelled
	s.cancelled = nil
	for _, one := range calls {
		one.call.cancel(one.why)
	}
	// Code that ends by that is said to be over, and not first to run on: a worker of which half is said to run on for
	// nobody is replaced.
	time.AfterFunc(hearing, func() {
		for _, one := range calls {
			one.call.acknowledge()
		}
	})
}

// over is the end of a call: our last word is on its way.
func (s *serving) over(c *call) {
	s.mu.Lock()
	delete(s.open, c.id)
	s.settle()
	s.mu.Unlock()
}

func (s *serving) leave() {
	s.mu.Lock()
	s.leaving = true
	s.settle()
	s.mu.Unlock()
}

func (s *serving) settle() {
	if s.leaving && len(s.open) == 0 && !s.gone {
		s.gone = true
		close(s.idle)
	}
}

// retire asks heeler for no more calls; it says BYE when there is another worker.
func (s *serving) retire(why string) {
	s.mu.Lock()
	first := !s.retired && !s.leaving
	s.retired = true
	s.mu.Unlock()
	if first {
		s.link.send(tBye, false, 0, []byte(why))
	}
}

// state is what a PONG is made of.
func (s *serving) state() (open int, takes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open), !s.leaving && uint32(len(s.open)) < s.concurrency
}

// shut ends the bodies of all calls that are open, for there is nobody to send more of them.
func (s *serving) shut() {
	s.mu.Lock()
	calls := make([]*call, 0, len(s.open))
	for _, c := range s.open {
		calls = append(calls, c)
	}
	s.mu.Unlock()
	for _, c := range calls {
		c.cancel(errGone)
	}
}

// allow is room from heeler for the answer.
func (c *call) allow(payload []byte) error {
	if len(payload) != 4 {
		return brokenf("a WINDOW of %d bytes on stream %d", len(payload), c.id)
	}
	more := binary.BigEndian.Uint32(payload)
	c.mu.Lock()
	defer c.mu.Unlock()
	if more == 0 || uint64(c.window)+uint64(more) > greatestWindow {
		return brokenf("a window of %d and %d bytes on stream %d", c.window, more, c.id)
	}
	c.window += more
	c.changed.Broadcast()
	return nil
}

func complain(text string) { os.Stderr.WriteString("heeler go worker: " + text + "\n") }
