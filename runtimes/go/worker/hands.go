package worker

import (
	"sync"
	"sync/atomic"
)

// mostIdle is how many goroutines are kept when nothing is to be done.
const mostIdle = 256

// hands are goroutines that run calls. They are used again, since a fresh one would have to grow its stack in each call.
type hands struct {
	mu   sync.Mutex
	idle []chan *call
	// How many calls are being run.
	busy atomic.Int64
}

func (h *hands) run(c *call) {
	h.busy.Add(1)
	h.mu.Lock()
	if last := len(h.idle) - 1; last >= 0 {
		hand := h.idle[last]
		h.idle = h.idle[:last]
		h.mu.Unlock()
		hand <- c
		return
	}
	h.mu.Unlock()
	hand := make(chan *call, 1)
	hand <- c
	go h.serve(hand)
}

func (h *hands) serve(hand chan *call) {
	var c *call
	// A function may end its goroutine (runtime.Goexit); its call is then over all the same.
	defer func() {
		if c != nil {
			h.busy.Add(-1)
			c.fail(&fault{kind: crashed, name: "goexit", message: "the function ended its goroutine"})
		}
	}()
	for c = range hand {
		c.run()
		c = nil
		h.busy.Add(-1)
		if !h.rest(hand) {
			return
		}
	}
}

// rest is false where there are enough of them.
func (h *hands) rest(hand chan *call) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.idle) >= mostIdle {
		return false
	}
	h.idle = append(h.idle, hand)
	return true
}
