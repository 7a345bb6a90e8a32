package worker

import (
	"encoding/binary"
	"io"
	"net/http"
	"os"
	"time"
)

// body is a request's body as it comes. What is not read yet waits in `data`, which heeler's window bounds; what is read
// makes room for as much more.
type body struct {
	call *call
	data []byte
	at   int
	// All that came and all that was allowed to.
	came, allowed uint64
	// Read, and heeler does not know it yet.
	read     uint32
	ended    bool
	trailers []string
	// Where trailers go at the end.
	into     http.Header
	closed   bool
	deadline time.Time
	timer    *time.Timer
}

// first is the piece that came with the call.
func (b *body) first(piece []byte, last bool) error {
	b.data, b.came, b.allowed, b.ended = piece, uint64(len(piece)), ownWindow, last
	return nil
}

// more is the reader's: a further piece came.
func (b *body) more(piece []byte, last bool) error {
	c := b.call
	c.mu.Lock()
	defer c.mu.Unlock()
	b.came += uint64(len(piece))
	if b.ended {
		return brokenf("body bytes on stream %d behind its last", c.id)
	}
	if b.came > b.allowed {
		return brokenf("%d body bytes on stream %d, where %d were allowed", b.came, c.id, b.allowed)
	}
	b.ended = last
	switch {
	case c.cancelled || c.ended:
	case b.closed:
		b.credit(len(piece))
	default:
		b.keep(piece)
	}
	c.changed.Broadcast()
	return nil
}

func (b *body) keep(piece []byte) {
	if b.at > 0 && len(b.data)+len(piece) > cap(b.data) {
		b.data = b.data[:copy(b.data, b.data[b.at:])]
		b.at = 0
	}
	b.data = append(b.data, piece...)
}

// end is the reader's: the body is complete, and these are its trailers.
func (b *body) end(payload []byte) error {
	trailers, err := splitPairs(string(payload))
	if err != nil {
		return err
	}
	c := b.call
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.ended {
		return brokenf("an end on stream %d behind its last", c.id)
	}
	b.ended, b.trailers = true, trailers
	c.changed.Broadcast()
	return nil
}

// credit says of bytes that their place is free again; the caller holds the call's lock.
func (b *body) credit(bytes int) {
	b.read += uint32(bytes)
	if b.ended || b.read < grantBytes {
		return
	}
	b.allowed += uint64(b.read)
	b.call.serving.link.send(tWindow, false, b.call.id, binary.BigEndian.AppendUint32(nil, b.read))
	b.read = 0
}

func (b *body) Read(to []byte) (int, error) {
	c := b.call
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case b.closed || c.ended:
			return 0, http.ErrBodyReadAfterClose
		case len(to) == 0:
			return 0, nil
		case b.at < len(b.data):
			n := copy(to, b.data[b.at:])
			if b.at += n; b.at == len(b.data) {
				b.data, b.at = b.data[:0], 0
			}
			b.credit(n)
			if b.ended && b.at == len(b.data) && b.trailers == nil {
				// As net/http: whoever reads the last bytes learns that they are.
				return n, io.EOF
			}
			return n, nil
		case b.ended:
			b.tellTrailers()
			return 0, io.EOF
		case c.cancelled:
			return 0, errGone
		case !b.deadline.IsZero() && !time.Now().Before(b.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		c.changed.Wait()
	}
}

func (b *body) tellTrailers() {
	for at := 0; at < len(b.trailers); at += 2 {
		b.into.Add(b.trailers[at], b.trailers[at+1])
	}
	b.trailers = nil
}

// Close drops what is not read; more of it may come and is dropped, too.
func (b *body) Close() error {
	c := b.call
	c.mu.Lock()
	defer c.mu.Unlock()
	if !b.closed && !c.ended {
		b.closed = true
		b.credit(len(b.data) - b.at)
		b.data, b.at = nil, 0
	}
	return nil
}

// until sets when reading fails; the zero time is never.
func (b *body) until(deadline time.Time) {
	c := b.call
	c.mu.Lock()
	defer c.mu.Unlock()
	b.deadline = deadline
	b.timer = c.ring(b.timer, deadline)
}

// ring makes everybody who waits on the call look at the clock at that time; the caller holds the lock.
func (c *call) ring(old *time.Timer, at time.Time) *time.Timer {
	if old != nil {
		old.Stop()
	}
	c.changed.Broadcast()
	if at.IsZero() {
		return nil
	}
	return time.AfterFunc(time.Until(at), func() {
		c.mu.Lock()
		c.changed.Broadcast()
		c.mu.Unlock()
	})
}
