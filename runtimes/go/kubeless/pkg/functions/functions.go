// Package functions has what functions of Kubeless take.
package functions

import (
	"context"
	"net/http"
)

// Extension is the request behind an event, and its context.
type Extension struct {
	Request  *http.Request
	Response http.ResponseWriter
	Context  context.Context
}

// Event is a call: what it brought, and what the headers say of it.
type Event struct {
	Data           string
	EventID        string
	EventType      string
	EventTime      string
	EventNamespace string
	Extensions     Extension
}

// Context is the function's surroundings.
type Context struct {
	FunctionName string
	Timeout      string
	Runtime      string
	MemoryLimit  string
}
