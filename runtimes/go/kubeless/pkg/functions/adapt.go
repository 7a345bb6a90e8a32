package functions

import (
	"errors"
	"io"
	"net/http"
	"os"
)

// usualTimeout is Kubeless' own where FUNC_TIMEOUT is not set. Nothing is ended at it: that is heeler's deadline.
const usualTimeout = "180"

// Adapt makes an http.Handler of a function of this package; nil, nil if fn is none. Asked with nil it says which are.
func Adapt(fn any) (http.Handler, error) {
	switch fn := fn.(type) {
	case nil:
		return nil, errors.New("func(functions.Event, functions.Context) (string, error) of Kubeless")
	case func(Event, Context) (string, error):
		return function(fn), nil
	}
	return nil, nil
}

type function func(Event, Context) (string, error)

func (f function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	result, err := f(eventOf(w, r, string(body)), contextOf())
	if err != nil {
		say(r, err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, result)
}

// eventOf takes what Kubeless' headers say, and else what a CloudEvent says.
func eventOf(w http.ResponseWriter, r *http.Request, data string) Event {
	attributes := attributesOf(r)
	either := func(header, attribute string) string {
		if value := r.Header.Get(header); value != "" {
			return value
		}
		return attributes[attribute]
	}
	return Event{
		Data: data, EventID: either("event-id", "id"), EventType: either("event-type", "type"), EventTime: either("event-time", "time"),
		EventNamespace: either("event-namespace", "source"),
		Extensions:     Extension{Request: r, Response: w, Context: r.Context()},
	}
}

// attributesOf are those of the event that heeler has found the call to be.
func attributesOf(r *http.Request) map[string]string {
	found := map[string]string{}
	if c, ok := r.Context().Value("heeler.call").(interface{ Attributes() []string }); ok {
		pairs := c.Attributes()
		for at := 0; at < len(pairs); at += 2 {
			found[pairs[at]] = pairs[at+1]
		}
	}
	return found
}

func contextOf() Context {
	timeout := os.Getenv("FUNC_TIMEOUT")
	if timeout == "" {
		timeout = usualTimeout
	}
	return Context{
		FunctionName: os.Getenv("FUNC_HANDLER"), Timeout: timeout, Runtime: os.Getenv("FUNC_RUNTIME"),
		MemoryLimit: os.Getenv("FUNC_MEMORY_LIMIT"),
	}
}

// say logs an error for the call that it is of; under heeler the line has its id.
func say(r *http.Request, err error) {
	const failure = 3
	if c, ok := r.Context().Value("heeler.call").(interface{ Log(int, string) }); ok {
		c.Log(failure, err.Error())
		return
	}
	_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
}
