package handler

import (
	"errors"
	"io"
	"net/http"
	"os"
)

// Adapt makes an http.Handler of a function of this package; nil, nil if fn is none. Asked with nil it says which are.
func Adapt(fn any) (http.Handler, error) {
	switch fn := fn.(type) {
	case nil:
		return nil, errors.New("func(handler.Request) (handler.Response, error) of OpenFaaS")
	case func(Request) (Response, error):
		return function(fn), nil
	case FunctionHandler:
		return function(fn.Handle), nil
	}
	return nil, nil
}

type function func(Request) (Response, error)

func (f function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	request := Request{Body: body, Header: r.Header, QueryString: r.URL.RawQuery, Method: r.Method, Host: r.Host}
	request.WithContext(r.Context())
	result, err := f(request)
	for name, values := range result.Header {
		w.Header()[name] = values
	}
	switch {
	case err != nil:
		say(r, err)
		w.WriteHeader(http.StatusInternalServerError)
	case result.StatusCode != 0:
		w.WriteHeader(result.StatusCode)
	}
	_, _ = w.Write(result.Body)
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
