// Package funcframework starts what was registered: as a warm worker where heeler has started the program, else as an
// HTTP server.
package funcframework

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/internal/registry"
	"github.com/cloudevents/sdk-go/v2/event"
)

// RegisterHTTPFunctionContext registers a function of requests at a path.
func RegisterHTTPFunctionContext(_ context.Context, path string, fn func(http.ResponseWriter, *http.Request)) error {
	return registry.Add(registry.Function{Path: path, HTTP: fn})
}

// RegisterEventFunctionContext registers a function of a context and a value of its own type that gives an error.
func RegisterEventFunctionContext(_ context.Context, path string, fn interface{}) error {
	return registry.Add(registry.Function{Path: path, Event: fn})
}

// RegisterCloudEventFunctionContext registers a function of CloudEvents at a path.
func RegisterCloudEventFunctionContext(_ context.Context, path string, fn func(context.Context, event.Event) error) error {
	return registry.Add(registry.Function{Path: path, CloudEvent: fn})
}

// RegisterHTTPFunction is RegisterHTTPFunctionContext of older programs: what goes wrong is printed.
func RegisterHTTPFunction(path string, fn interface{}) {
	given, ok := fn.(func(http.ResponseWriter, *http.Request))
	if !ok {
		fmt.Fprintf(os.Stderr, "%s: expected function to have signature func(http.ResponseWriter, *http.Request), not %T\n", path, fn)
		return
	}
	printed(RegisterHTTPFunctionContext(context.Background(), path, given))
}

// RegisterEventFunction is RegisterEventFunctionContext of older programs: what goes wrong is printed.
func RegisterEventFunction(path string, fn interface{}) {
	printed(RegisterEventFunctionContext(context.Background(), path, fn))
}

func printed(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
