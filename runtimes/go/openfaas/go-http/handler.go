// Package handler has what functions of OpenFaaS's golang-http template take and give.
package handler

import (
	"context"
	"net/http"
)

// Request is a call, its body read whole.
type Request struct {
	Body        []byte
	Header      http.Header
	QueryString string
	Method      string
	Host        string
	ctx         context.Context
}

// Context is over when nobody waits for the call any more.
func (r *Request) Context() context.Context {
	if r.ctx == nil {
		return context.Background()
	}
	return r.ctx
}

// WithContext sets the context of this request itself.
func (r *Request) WithContext(ctx context.Context) {
	if ctx == nil {
		panic("nil context")
	}
	r.ctx = ctx
}

// Response is the answer; a StatusCode of 0 is 200.
type Response struct {
	Body       []byte
	StatusCode int
	Header     http.Header
}

// FunctionHandler is a function as a value.
type FunctionHandler interface {
	Handle(req Request) (Response, error)
}
