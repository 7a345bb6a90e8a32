package worker

import (
	"encoding/binary"
	"net/http"
	"strings"
	"sync"
	"time"
	"unsafe"
)

const (
	callHead    = 20
	fixedFields = 6
)

const (
	kindRequest byte = iota
	kindEvent
	kindBatch
)

// call is one call: what came with it, its body, its answer, and how far all that has got.
type call struct {
	serving *serving
	id      uint32
	kind    byte
	version byte
	// Attribute pairs of an event, or events of a batch.
	number int
	began  time.Time
	// Zero is none.
	deadline time.Time
	length   uint64
	fields   string
	body     body
	response response
	context  callContext
	batch    []event

	mu      sync.Mutex
	changed sync.Cond
	// Body bytes that heeler takes just now.
	window       uint32
	cancelled    bool
	acknowledged bool
	ended        bool
}

func newCall(s *serving, f frame) (*call, error) {
	if len(f.payload) < callHead {
		return nil, brokenf("a call of %d bytes, its head alone has %d", len(f.payload), callHead)
	}
	fields := uint64(binary.BigEndian.Uint32(f.payload[4:]))
	if callHead+fields > uint64(len(f.payload)) {
		return nil, broken("a call whose fields go past its frame")
	}
	c := &call{
		serving: s, id: f.stream, kind: f.payload[0], version: f.payload[1], began: time.Now(), window: s.window,
		number: int(binary.BigEndian.Uint16(f.payload[2:])),
		length: binary.BigEndian.Uint64(f.payload[12:]),
	}
	if c.kind > kindBatch {
		return nil, brokenf("a call of kind %d", c.kind)
	}
	if millis := binary.BigEndian.Uint32(f.payload[8:]); millis > 0 {
		c.deadline = c.began.Add(time.Duration(millis) * time.Millisecond)
	}
	c.changed.L = &c.mu
	c.context.call = c
	c.body.call = c
	c.response.call = c
	// One copy for both: nobody writes to the fields any more, and the body's part is cut off from them.
	bytes := append([]byte(nil), f.payload[callHead:]...)
	if fields > 0 {
		c.fields = unsafe.String(&bytes[0], int(fields))
		if bytes[fields-1] != 0 {
			return nil, broken("a call with a field that does not end with NUL")
		}
	}
	if count := strings.Count(c.fields, "\x00"); count%2 != 0 || count < fixedFields+2*c.attributes() {
		return nil, brokenf("a call with %d fields", count)
	}
	return c, c.body.first(bytes[fields:len(bytes):len(bytes)], f.last)
}

// run calls the function. Whatever it does, the call has its last word after it.
func (c *call) run() {
	defer c.recovered()
	if c.kind == kindBatch && !c.gather() {
		return
	}
	request, ok := c.request()
	if !ok {
		return
	}
	c.serving.function.Handler.ServeHTTP(&c.response, request)
	c.response.finish()
}

// recovered makes an ERROR of the function's panic.
func (c *call) recovered() {
	if reason := recover(); reason != nil {
		c.fail(panicked(reason))
	}
	c.context.end()
}

// close says who has the last word: true for the first who asks while the call is wanted, and they then say it with last.
// A cancelled call's last word is CANCELLED.
func (c *call) close() bool {
	c.mu.Lock()
	ended, cancelled := c.ended, c.cancelled
	c.ended = true
	c.mu.Unlock()
	if ended {
		return false
	}
	if cancelled {
		c.last(func(out []byte) []byte { return putHeader(out, 0, tCancelled, true, c.id) })
	}
	return !cancelled
}

// last says a call's last word. Only with that in `out` is the call over: a worker ends when none is open and `out` is
// written.
func (c *call) last(put func(out []byte) []byte) {
	l := c.serving.link
	l.begin()
	l.out = put(l.out)
	c.serving.over(c)
	l.commit()
}

// cancel: nobody waits any more.
func (c *call) cancel(why error) {
	c.mu.Lock()
	news := !c.cancelled && !c.ended
	c.cancelled = c.cancelled || news
	c.changed.Broadcast()
	c.mu.Unlock()
	if news {
		c.context.cancel(why)
	}
}

// acknowledge says that the cancel was heard, of code that runs on.
func (c *call) acknowledge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.acknowledged {
		return
	}
	c.acknowledged = true
	c.serving.link.send(tCancelled, false, c.id, nil)
}

// micros is how long the call has taken so far.
func (c *call) micros() uint32 {
	taken := time.Since(c.began).Microseconds()
	if taken > 1<<32-1 {
		return 1<<32 - 1
	}
	return uint32(taken)
}

// Log sends a line of the call to heeler's log: 0 debug, 1 info, 2 warning, 3 error.
func (c *call) Log(level int, line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stream := c.id
	if c.ended {
		stream = 0
	}
	if len(line) > maxPayload-2 {
		line = line[:maxPayload-2]
	}
	const logger = 3
	c.serving.link.send(tLog, false, stream, append([]byte{byte(level), logger}, line...))
}

var _ http.ResponseWriter = (*response)(nil)
