// Package functions registers functions by name. The one that FUNCTION_TARGET names is served at every path; without
// FUNCTION_TARGET each is served at the path of its name.
package functions

import (
	"context"
	"log"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/internal/registry"
	"github.com/cloudevents/sdk-go/v2/event"
)

// HTTP registers a function of requests.
func HTTP(name string, fn func(http.ResponseWriter, *http.Request)) {
	add(registry.Function{Name: name, HTTP: fn})
}

// CloudEvent registers a function of CloudEvents.
func CloudEvent(name string, fn func(context.Context, event.Event) error) {
	add(registry.Function{Name: name, CloudEvent: fn})
}

// Typed registers a function that takes one value, read from JSON, and gives nothing, an error, a value, or both.
func Typed(name string, fn interface{}) {
	add(registry.Function{Name: name, Typed: fn})
}

func add(f registry.Function) {
	if err := registry.Add(f); err != nil {
		log.Fatalf("failure to register function: %s", err)
	}
}
