package worker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"
)

const (
	replyHead = 12
	// held is how much of an answer waits for its end, so that it goes out whole and with its length.
	held = 32 << 10
	// piece is the largest DATA that is sent, so that calls with little to say get between those with much.
	piece = 64 << 10
	// mostFields is what a head may have, with some room for what is added to it.
	mostFields = maxPayload - replyHead - 1<<10
)

var errHijack = errors.New("a call of heeler's has no connection that could be taken over: mode=http is for that")

// response is the http.ResponseWriter of a call. It keeps what is written until it is whole, too large to keep, or
// flushed.
type response struct {
	call   *call
	header http.Header
	// 0 before WriteHeader.
	status int
	// Whether the request was HEAD: all is as for GET, but no body goes out.
	head bool
	// The fields of the head, as WriteHeader found them, and body bytes that wait.
	fields, waiting []byte
	sketch          *sketch
	sent            bool
	// What Content-Length promised, -1 for nothing, and how much was written.
	promised, written int64
	typed, encoded    bool
	// Of an answer that is an event: its kind, and how many attributes lead the fields.
	kind, attributes byte
	trailers         []string
	deadline         time.Time
	timer            *time.Timer
	over             bool
	// Why a part of the body could not be sent.
	failed error
}

func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

func (w *response) WriteHeader(status int) {
	if w.over {
		return
	}
	if w.status != 0 {
		log.Printf("http: superfluous response.WriteHeader call from %s", caller())
		return
	}
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	if status > 599 || status == http.StatusSwitchingProtocols {
		panic(&fault{kind: raised, name: "status", message: fmt.Sprintf("status %d cannot be sent to heeler: 200 to 599 can", status)})
	}
	if status < 200 {
		// Hints before the answer have no frame.
		return
	}
	w.status = status
	w.take()
	w.putHead()
	w.checkHead()
}

// checkHead ends a call whose head no frame can hold.
func (w *response) checkHead() {
	if len(w.fields) > mostFields {
		panic(&fault{kind: raised, name: "head", message: fmt.Sprintf("a head of %d bytes, at most %d can be sent", len(w.fields), mostFields)})
	}
}

// caller is where the function called, outside of this package and of net/http.
func caller() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "net/http.") && !strings.Contains(f.Function, "worker.(*response)") {
			return fmt.Sprintf("%s (%s:%d)", f.Function, f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
		}
		if !more {
			return "somewhere"
		}
	}
}

func (w *response) Write(bytes []byte) (int, error) { return write(w, bytes) }

func (w *response) WriteString(text string) (int, error) { return write(w, text) }

func write[T []byte | string](w *response, bytes T) (int, error) {
	if w.over {
		return 0, http.ErrHandlerTimeout
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if len(bytes) == 0 {
		return 0, nil
	}
	if bodiless(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(bytes))
	if w.promised >= 0 && w.written > w.promised {
		w.written -= int64(len(bytes))
		return 0, http.ErrContentLength
	}
	if w.head {
		if room := sniffed - len(w.waiting); !w.sent && room > 0 {
			w.waiting = append(w.waiting, bytes[:min(len(bytes), room)]...)
		}
		return len(bytes), w.gone()
	}
	if len(w.waiting)+len(bytes) <= held {
		w.waiting = append(w.waiting, bytes...)
		return len(bytes), nil
	}
	for at := 0; at < len(bytes); {
		n := min(len(bytes)-at, piece-len(w.waiting))
		w.waiting = append(w.waiting, bytes[at:at+n]...)
		if err := w.flush(); err != nil {
			return at, err
		}
		at += n
	}
	return len(bytes), nil
}

// ReadFrom copies without a buffer of io.Copy's own.
func (w *response) ReadFrom(from io.Reader) (total int64, err error) {
	buffer := make([]byte, held)
	for {
		n, wrong := from.Read(buffer)
		if n > 0 {
			wrote, failed := w.Write(buffer[:n])
			total += int64(wrote)
			if failed != nil {
				return total, failed
			}
		}
		if wrong == io.EOF {
			return total, nil
		}
		if wrong != nil {
			return total, wrong
		}
	}
}

func (w *response) Flush() { _ = w.FlushError() }

// FlushError sends what there is, the head alone if there is no more.
func (w *response) FlushError() error {
	if w.over {
		return http.ErrHandlerTimeout
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.flush()
}

func (w *response) flush() error {
	if !w.sent {
		w.sendHead()
	}
	waiting := w.waiting
	w.waiting = w.waiting[:0]
	if w.failed != nil {
		return w.failed
	}
	if w.head {
		return w.gone()
	}
	for len(waiting) > 0 {
		n, err := w.room(min(len(waiting), piece))
		if err != nil {
			// A part is missing: what comes later must not close the gap.
			w.failed = err
			return err
		}
		l := w.call.serving.link
		l.waitForRoom()
		l.send(tData, false, w.call.id, waiting[:n])
		waiting = waiting[n:]
	}
	return w.gone()
}

// sendHead begins an answer whose body follows.
func (w *response) sendHead() {
	w.sent = true
	w.sniff()
	if w.gone() != nil {
		return
	}
	l := w.call.serving.link
	l.begin()
	l.out = putHeader(l.out, replyHead+len(w.fields), tReply, false, w.call.id)
	l.out = append(w.putReply(l.out, 0), w.fields...)
	l.commit()
}

func (w *response) putReply(out []byte, micros uint32) []byte {
	out = append(out, w.kind, w.attributes)
	out = binary.BigEndian.AppendUint16(out, uint16(w.status))
	out = binary.BigEndian.AppendUint32(out, uint32(len(w.fields)))
	return binary.BigEndian.AppendUint32(out, micros)
}

// room waits until some of that many bytes may be sent, and says how many.
func (w *response) room(most int) (int, error) {
	c := w.call
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.cancelled || c.ended:
			return 0, errGone
		case !w.deadline.IsZero() && !time.Now().Before(w.deadline):
			return 0, os.ErrDeadlineExceeded
		case c.window > 0:
			n := min(most, int(c.window))
			c.window -= uint32(n)
			return n, nil
		}
		c.changed.Wait()
	}
}

// gone is the error of an answer that nobody waits for.
func (w *response) gone() error {
	c := w.call
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancelled || c.ended {
		return errGone
	}
	return nil
}

// finish is the answer's end, when the function has returned.
func (w *response) finish() {
	if w.over {
		return
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.findTrailers()
	if w.promised >= 0 && w.written < w.promised && !w.head && !bodiless(w.status) {
		w.call.fail(&fault{kind: raised, name: "content-length", message: fmt.Sprintf("the function wrote %d bytes, its Content-Length says %d", w.written, w.promised)})
		return
	}
	if !w.sent && len(w.trailers) == 0 && w.fits() {
		w.sendWhole()
		return
	}
	if err := w.flush(); err != nil {
		w.call.fail(&fault{kind: raised, name: "deadline", message: err.Error()})
		return
	}
	w.sendEnd()
}

// fits says whether the answer goes into one frame that the window allows.
func (w *response) fits() bool {
	return len(w.waiting) <= leastWindow && headerBytes+replyHead+len(w.fields)+len(w.waiting) <= maxPayload
}

func (w *response) sendWhole() {
	c := w.call
	if c.close() {
		micros := c.micros()
		w.sniff()
		w.putLength()
		body := w.waiting
		if w.head {
			body = nil
		}
		c.last(func(out []byte) []byte {
			out = putHeader(out, replyHead+len(w.fields)+len(body), tReply, true, c.id)
			return append(append(w.putReply(out, micros), w.fields...), body...)
		})
	}
	w.release()
}

func (w *response) sendEnd() {
	c := w.call
	payload := putPairs(make([]byte, 4), w.trailers...)
	if len(payload) > maxPayload {
		c.fail(&fault{kind: raised, name: "trailers", message: fmt.Sprintf("trailers of %d bytes, at most %d can be sent", len(payload), maxPayload)})
		return
	}
	if c.close() {
		binary.BigEndian.PutUint32(payload, c.micros())
		c.last(func(out []byte) []byte {
			return append(putHeader(out, len(payload), tEnd, true, c.id), payload...)
		})
	}
	w.release()
}

// refuse answers in place of the function.
func (w *response) refuse(status int) {
	http.Error(w, http.StatusText(status), status)
	w.finish()
}

// Hijack is here for its error: there is no connection.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errHijack }

// EnableFullDuplex is how it always is here.
func (w *response) EnableFullDuplex() error { return nil }

func (w *response) SetReadDeadline(at time.Time) error {
	w.call.body.until(at)
	return nil
}

func (w *response) SetWriteDeadline(at time.Time) error {
	c := w.call
	c.mu.Lock()
	defer c.mu.Unlock()
	w.deadline = at
	w.timer = c.ring(w.timer, at)
	return nil
}
