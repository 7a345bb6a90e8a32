package worker

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// request makes the http.Request that a server of net/http would have made. False if the call has its answer already,
// since its path is none.
func (c *call) request() (*http.Request, bool) {
	f := head{rest: c.fields}
	method, path, query := f.next(), f.next(), f.next()
	f.next() // the scheme
	remote := f.next()
	// The call's id, and the attributes of an event, which its headers say too.
	for skipped := 0; skipped < 1+2*c.attributes(); skipped++ {
		f.next()
	}
	target := path
	if query != "" {
		// In the fields they lie one behind the other, with a NUL between them.
		target = path + "?" + query
	}
	where, ok := urlOf(path, query, target)
	if !ok {
		c.response.refuse(http.StatusBadRequest)
		return nil, false
	}
	r := http.Request{
		Method: method, URL: where, RequestURI: target, RemoteAddr: addressOf(remote), ContentLength: int64(c.length),
	}
	r.Proto, r.ProtoMajor, r.ProtoMinor = protoOf(c.version)
	r.Header = f.header(&r)
	c.setBody(&r)
	c.response.head = method == http.MethodHead
	return r.WithContext(&c.context), true
}

func (c *call) attributes() int {
	if c.kind == kindEvent {
		return c.number
	}
	return 0
}

func (c *call) setBody(r *http.Request) {
	r.Body = &c.body
	switch {
	case c.kind == kindBatch:
		r.Body, r.ContentLength = c.array(), -1
	case c.length == unknownLength:
		r.ContentLength = -1
		if c.version != 20 {
			r.TransferEncoding = []string{"chunked"}
		}
		if r.Trailer == nil {
			r.Trailer = make(http.Header)
		}
	case c.length == 0:
		r.Body = http.NoBody
	}
	c.body.into = r.Trailer
}

// head walks through the fields of a call, which were counted when they came.
type head struct{ rest string }

func (h *head) next() string {
	field, rest, _ := nextField(h.rest)
	h.rest = rest
	return field
}

// header reads the pairs that are left. Host and Trailer are the request's own, as with net/http.
func (h *head) header(r *http.Request) http.Header {
	count := strings.Count(h.rest, "\x00") / 2
	header := make(http.Header, count)
	// One array for all values: most names have one.
	values := make([]string, count)
	for h.rest != "" {
		name := canonical(h.next())
		value := h.next()
		switch name {
		case "Host":
			if r.Host == "" {
				r.Host = value
			}
			continue
		case "Trailer":
			declare(r, value)
			continue
		}
		if before, twice := header[name]; twice {
			header[name] = append(before, value)
			continue
		}
		values[0] = value
		header[name] = values[:1:1]
		values = values[1:]
	}
	return header
}

func declare(r *http.Request, names string) {
	if r.Trailer == nil {
		r.Trailer = make(http.Header)
	}
	for _, name := range strings.Split(names, ",") {
		if name = strings.TrimSpace(name); name != "" {
			r.Trailer[http.CanonicalHeaderKey(name)] = nil
		}
	}
}

func protoOf(version byte) (string, int, int) {
	switch version {
	case 10:
		return "HTTP/1.0", 1, 0
	case 20:
		return "HTTP/2.0", 2, 0
	}
	return "HTTP/1.1", 1, 1
}

// addressOf gives the caller's address a port, without which net.SplitHostPort fails. Which one it was heeler does not say.
func addressOf(remote string) string {
	if remote == "" {
		return ""
	}
	if strings.IndexByte(remote, ':') < 0 {
		return remote + ":0"
	}
	return net.JoinHostPort(remote, "0")
}

// urlOf is url.ParseRequestURI without its work for what most paths are: letters and slashes.
func urlOf(path, query, target string) (*url.URL, bool) {
	if plain(path) {
		return &url.URL{Path: path, RawQuery: query}, true
	}
	parsed, err := url.ParseRequestURI(target)
	return parsed, err == nil
}

func plain(path string) bool {
	if path == "" || path[0] != '/' || strings.HasPrefix(path, "//") {
		return false
	}
	for at := 0; at < len(path); at++ {
		if !plainBytes[path[at]] {
			return false
		}
	}
	return true
}

// plainBytes stand in a path as they are.
var plainBytes = func() (plain [256]bool) {
	for b := byte('!'); b < 0x7f; b++ {
		plain[b] = strings.IndexByte(`%?#"<>\^{|}`+"`", b) < 0
	}
	return plain
}()

// mostNames bounds what is remembered of header names, since callers choose them.
const mostNames = 1000

var (
	// names is never written to: who learns a name puts another map in its place.
	names     atomic.Pointer[map[string]string]
	namesLock sync.Mutex
)

// canonical is http.CanonicalHeaderKey that remembers: it would make a new text for each name in lower case.
func canonical(name string) string {
	if known := names.Load(); known != nil {
		if made, ok := (*known)[name]; ok {
			return made
		}
	}
	return learn(name)
}

func learn(name string) string {
	// The name is a part of its call's fields, and would keep all of them.
	name = strings.Clone(name)
	made := http.CanonicalHeaderKey(name)
	namesLock.Lock()
	defer namesLock.Unlock()
	old := names.Load()
	if old != nil && len(*old) >= mostNames {
		return made
	}
	all := map[string]string{name: made}
	if old != nil {
		for one, its := range *old {
			all[one] = its
		}
	}
	names.Store(&all)
	return made
}
