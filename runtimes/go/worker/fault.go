package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
)

const (
	errorHead = 8
	// mostFault is how much is told of a failure, stack and all.
	mostFault = 1 << 16
)

// fault is a call's failure: its type, message and stack go to the log, the caller learns the type alone.
type fault struct {
	kind                 byte
	status               int
	name, message, stack string
}

func (f *fault) Error() string { return f.message }

// panicked describes what a function panicked with.
func panicked(reason any) *fault {
	if reason == http.ErrAbortHandler {
		// The function wants the answer cut, and nothing said.
		return &fault{kind: raised, name: "abort"}
	}
	var own *fault
	if err, ok := reason.(error); ok && errors.As(err, &own) {
		return own
	}
	return &fault{kind: crashed, name: fmt.Sprintf("%T", reason), message: fmt.Sprint(reason), stack: string(debug.Stack())}
}

// fail ends the call with an ERROR; behind the answer's head that cuts the answer.
func (c *call) fail(f *fault) {
	if !c.close() {
		c.response.release()
		return
	}
	c.response.release()
	payload := f.payload(c.micros())
	c.last(func(out []byte) []byte {
		return append(putHeader(out, len(payload), tError, true, c.id), payload...)
	})
}

func (f *fault) payload(micros uint32) []byte {
	payload := []byte{f.kind, 0}
	payload = binary.BigEndian.AppendUint16(payload, uint16(f.status))
	payload = binary.BigEndian.AppendUint32(payload, micros)
	payload = putPairs(payload, f.name, cutTo(f.message, mostFault/4), cutTo(f.stack, mostFault/2))
	return payload
}

func cutTo(text string, most int) string {
	if len(text) > most {
		return text[:most]
	}
	return text
}
