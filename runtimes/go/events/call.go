// Package events makes HTTP handlers of functions of CloudEvents: the twelve shapes that the SDK takes, and those of many
// events at once.
//
// Under heeler an event comes decoded and checked, and goes back so; anywhere else it is read out of the request, as the
// SDK does it. This package does not import heeler's worker: both meet at the value that the request's context has under
// key, so that this one serves under any server.
package events

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

const key = "heeler.call"

// call is what heeler knows of a call.
type call interface {
	Attributes() []string
	Events() (attributes [][]string, data [][]byte)
	ReplyEvent(status int, attributes []string, data []byte) error
	Log(level int, line string)
}

func callOf(r *http.Request) call {
	c, _ := r.Context().Value(key).(call)
	return c
}

// errNone is of a request that is no event.
var errNone = errors.New("the request is no CloudEvent")

// single reads the one event of a request.
func single(r *http.Request) (event.Event, error) {
	if c := callOf(r); c != nil {
		if attributes := c.Attributes(); len(attributes) > 0 {
			data, err := io.ReadAll(r.Body)
			if err != nil {
				return event.Event{}, err
			}
			if kind := r.Header.Get("Content-Type"); kind != "" && !has(attributes, "datacontenttype") && !strings.HasPrefix(kind, "application/cloudevents") {
				attributes = append(attributes, "datacontenttype", kind)
			}
			return from(attributes, data)
		}
	}
	message := cehttp.NewMessageFromHttpRequest(r)
	if message.ReadEncoding() == binding.EncodingUnknown {
		return event.Event{}, errNone
	}
	defer func() { _ = message.Finish(nil) }()
	e, err := binding.ToEvent(r.Context(), message)
	if err != nil {
		return event.Event{}, err
	}
	return *e, e.Validate()
}

// many are the events of a batch that heeler hands over whole.
func many(r *http.Request) (all []event.Event, err error) {
	c := callOf(r)
	if c == nil {
		return nil, nil
	}
	attributes, data := c.Events()
	for at := range attributes {
		one, err := from(attributes[at], data[at])
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func has(attributes []string, name string) bool {
	for at := 0; at < len(attributes); at += 2 {
		if attributes[at] == name {
			return true
		}
	}
	return false
}
