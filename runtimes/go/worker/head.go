package worker

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// sniffed is how many bytes net/http looks at for a Content-Type.
const sniffed = 512

// sketch is the memory in which an answer is put together, used again by later calls.
type sketch struct{ fields, waiting []byte }

var sketches = sync.Pool{New: func() any {
	return &sketch{fields: make([]byte, 0, 512), waiting: make([]byte, 0, 2048)}
}}

func (w *response) take() {
	w.sketch = sketches.Get().(*sketch)
	w.fields, w.waiting = w.sketch.fields[:0], w.sketch.waiting[:0]
}

// release gives the memory back; nothing can be written any more.
func (w *response) release() {
	w.over = true
	if w.sketch == nil {
		return
	}
	if cap(w.waiting) <= 2*held && cap(w.fields) <= held {
		w.sketch.fields, w.sketch.waiting = w.fields, w.waiting
		sketches.Put(w.sketch)
	}
	w.sketch, w.fields, w.waiting = nil, nil, nil
	if w.timer != nil {
		w.timer.Stop()
	}
}

// putHead writes down the head as it is when its status is said: what the function does to it later counts for trailers
// only.
func (w *response) putHead() {
	w.promised = -1
	// First of all: what is declared as a trailer is no header.
	w.declare(w.header["Trailer"])
	for name, values := range w.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length":
			w.promise(values)
			continue
		case "Content-Type":
			w.typed = true
			if w.status == http.StatusNotModified {
				continue
			}
		case "Content-Encoding":
			w.encoded = len(values) > 0 && values[0] != ""
		case "Transfer-Encoding", "Connection", "Keep-Alive":
			// heeler's own, on a connection that is heeler's.
			continue
		}
		w.put(name, values)
	}
}

func (w *response) put(name string, values []string) {
	if w.declared(name) || !isToken(name) {
		return
	}
	for _, value := range values {
		if value, ok := line(value); ok {
			w.fields = append(append(w.fields, name...), 0)
			w.fields = append(append(w.fields, value...), 0)
		}
	}
}

// promise is a Content-Length of the function's: it has to be true. One that is no number is left out, as by net/http.
func (w *response) promise(values []string) {
	if len(values) == 0 || bodiless(w.status) {
		return
	}
	length, err := strconv.ParseInt(strings.TrimSpace(values[0]), 10, 64)
	if err != nil || length < 0 {
		return
	}
	w.promised = length
	w.put("Content-Length", []string{strconv.FormatInt(length, 10)})
}

// sniff names the type of a body whose function did not.
func (w *response) sniff() {
	if w.typed || w.encoded || len(w.waiting) == 0 {
		return
	}
	w.typed = true
	kind := http.DetectContentType(w.waiting[:min(len(w.waiting), sniffed)])
	w.fields = append(append(append(w.fields, "Content-Type\x00"...), kind...), 0)
}

// putLength says how long a whole answer is where heeler cannot count it: the body of HEAD's answer stays here.
func (w *response) putLength() {
	if w.head && w.promised < 0 && w.written > 0 {
		w.fields = append(w.fields, "Content-Length\x00"...)
		w.fields = append(strconv.AppendInt(w.fields, w.written, 10), 0)
	}
}

func (w *response) declare(values []string) {
	for _, value := range values {
		for _, name := range strings.Split(value, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); mayTrail(name) {
				w.trailers = append(w.trailers, name, "")
			}
		}
	}
}

func (w *response) declared(name string) bool {
	for at := 0; at < len(w.trailers); at += 2 {
		if w.trailers[at] == name {
			return true
		}
	}
	return false
}

// findTrailers looks for what the function has set behind its head: names that it had declared, and those with the
// prefix.
func (w *response) findTrailers() {
	var found []string
	if w.head {
		w.trailers = nil
		return
	}
	for at := 0; at < len(w.trailers); at += 2 {
		found = trail(found, w.trailers[at], w.header[w.trailers[at]])
	}
	for name, values := range w.header {
		name, prefixed := strings.CutPrefix(name, http.TrailerPrefix)
		if !prefixed || !mayTrail(http.CanonicalHeaderKey(name)) {
			continue
		}
		found = trail(found, name, values)
	}
	w.trailers = found
}

func trail(found []string, name string, values []string) []string {
	for _, value := range values {
		if value, ok := line(value); ok {
			found = append(found, name, value)
		}
	}
	return found
}

// mayTrail is false for what has to be known before the body.
func mayTrail(name string) bool {
	switch name {
	case "", "Transfer-Encoding", "Content-Length", "Trailer":
		return false
	}
	return isToken(name)
}

// bodiless statuses have no body, by RFC 9110.
func bodiless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified
}

// line is a header's value on one line, as net/http sends it. False if HTTP does not allow it all the same (RFC 9110
// §5.5): it is left out, as net/http does it over HTTP/2.
func line(value string) (string, bool) {
	if strings.ContainsAny(value, "\r\n") {
		value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	value = strings.Trim(value, " \t")
	for at := 0; at < len(value); at++ {
		if b := value[at]; b < ' ' && b != '\t' || b == 0x7f {
			return "", false
		}
	}
	return value, true
}

// mostName is what heeler takes of a name.
const mostName = 1<<16 - 1

// isToken says whether HTTP allows a name (RFC 9110 §5.1). Others are left out, as by net/http.
func isToken(name string) bool {
	for at := 0; at < len(name); at++ {
		if !tokenBytes[name[at]] {
			return false
		}
	}
	return name != "" && len(name) <= mostName
}

var tokenBytes = func() (token [256]bool) {
	for at := range token {
		letter := 'a' <= byte(at)|0x20 && byte(at)|0x20 <= 'z'
		token[at] = letter || '0' <= at && at <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", byte(at)) >= 0
	}
	return token
}()
