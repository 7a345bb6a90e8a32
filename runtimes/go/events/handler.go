package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/protocol"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

const batchType = "application/cloudevents-batch+json"

// Adapt makes a handler of a function of events; nil, nil if fn is none. Asked with nil it says which ones are.
func Adapt(fn any) (http.Handler, error) {
	if fn == nil {
		return nil, errShapes
	}
	if f := shaped(fn); f != nil {
		return f, nil
	}
	return nil, nil
}

func (f *function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodOptions, http.MethodDelete:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	all, err := many(r)
	if len(all) > 0 {
		f.serveList(w, r, all)
		return
	}
	var one event.Event
	if err == nil && f.event+f.list > -2 {
		one, err = single(r)
	}
	if err != nil {
		refuse(w, r, err)
		return
	}
	f.answer(w, r, f.run(r, one, []event.Event{one}))
}

// serveList hands over many events, to a function that takes so many.
func (f *function) serveList(w http.ResponseWriter, r *http.Request, all []event.Event) {
	if f.list < 0 {
		say(r, "a function of one event takes one at a time: set batch=split")
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	f.answer(w, r, f.run(r, event.Event{}, all))
}

// run makes an error of a panic, as the SDK does.
func (f *function) run(r *http.Request, one event.Event, all []event.Event) (given result) {
	defer func() {
		if reason := recover(); reason != nil {
			given = result{err: fmt.Errorf("panic: %v\n%s", reason, debug.Stack())}
		}
	}()
	return f.with(r.Context(), one, all)
}

// refuse is for what is no event that could be handed over.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	say(r, err.Error())
	var invalid event.ValidationError
	switch {
	case errors.Is(err, errNone) || errors.Is(err, binding.ErrUnknownEncoding):
		w.WriteHeader(http.StatusUnsupportedMediaType)
	case errors.As(err, &invalid):
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}

func (f *function) answer(w http.ResponseWriter, r *http.Request, given result) {
	status := statusOf(given.err)
	if given.err != nil && !protocol.IsACK(given.err) {
		say(r, given.err.Error())
	}
	var err error
	switch {
	case given.event != nil:
		err = reply(w, r, status, given.event)
	case len(given.list) > 0:
		err = replyList(w, status, given.list)
	default:
		w.WriteHeader(status)
	}
	if err != nil {
		say(r, "the event that the function gave cannot be sent: "+err.Error())
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// statusOf follows the SDK: a result of its own has a status, any other error is 500.
func statusOf(err error) int {
	var own *cehttp.Result
	switch {
	case err == nil || protocol.IsACK(err) && !protocol.ResultAs(err, &own):
		return http.StatusOK
	case protocol.ResultAs(err, &own):
		if own.StatusCode > 199 && own.StatusCode < 600 {
			return own.StatusCode
		}
		return http.StatusOK
	}
	return http.StatusInternalServerError
}

func reply(w http.ResponseWriter, r *http.Request, status int, e *event.Event) error {
	c := callOf(r)
	if c == nil {
		return cehttp.WriteResponseWriter(r.Context(), binding.ToMessage(e), status, w)
	}
	attributes, err := pairs(e)
	if err != nil {
		return err
	}
	return c.ReplyEvent(status, attributes, e.Data())
}

func replyList(w http.ResponseWriter, status int, all []event.Event) error {
	for at := range all {
		// Bytes that are JSON are written as that, and not in base64.
		if kind := all[at].DataMediaType(); (kind == event.ApplicationJSON || kind == "") && json.Valid(all[at].Data()) {
			all[at].DataBase64 = false
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", batchType)
	w.WriteHeader(status)
	_, err = w.Write(text)
	return err
}

// say logs for the call that it is about.
func say(r *http.Request, text string) {
	const failure = 3
	if c := callOf(r); c != nil {
		c.Log(failure, text)
		return
	}
	_, _ = io.WriteString(os.Stderr, text+"\n")
}
