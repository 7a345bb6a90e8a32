// Functions for Google's framework, which is compiled in as it is, or with heeler's in its place.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"cloud.google.com/go/functions/metadata"
	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/cloudevents/sdk-go/v2/event"
)

type order struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

func init() {
	functions.HTTP("http", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/panic":
			panic("secret words")
		case "/status":
			w.WriteHeader(http.StatusTeapot)
		case "/json":
			w.Header().Set("Content-Type", "application/json")
		case "/id":
			body = []byte(funcframework.ExecutionIDFromContext(r.Context()) + " " + funcframework.TraceIDFromContext(r.Context()) + " " + funcframework.SpanIDFromContext(r.Context()))
		}
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.Path, r.URL.RawQuery, body)
	})
	functions.CloudEvent("cloudevent", func(_ context.Context, e event.Event) error {
		if e.Type() == "panic" {
			panic("secret words")
		}
		if e.Type() == "fail" {
			return errors.New("secret words")
		}
		keep(fmt.Sprintf("%s|%s|%s|%s|%s|%s|%v", e.ID(), e.Source(), e.Type(), e.Subject(), e.DataContentType(), e.Data(), e.Extensions()))
		return nil
	})
	functions.Typed("typed", func(o order) (order, error) {
		if o.Count < 0 {
			return o, errors.New("secret words")
		}
		if o.Count > 100 {
			panic("secret words")
		}
		o.Count++
		return o, nil
	})
	functions.Typed("silent", func(order) error { return nil })
	_ = funcframework.RegisterEventFunctionContext(context.Background(), "/background", func(ctx context.Context, data map[string]any) error {
		if data["fail"] != nil {
			return errors.New("secret words")
		}
		about, err := metadata.FromContext(ctx)
		if err != nil {
			about = &metadata.Metadata{}
		}
		resource := metadata.Resource{}
		if about.Resource != nil {
			resource = *about.Resource
		}
		keep(fmt.Sprintf("%s|%s|%s|%+v|%v", about.EventID, about.EventType, about.Timestamp.UTC(), resource, data))
		return nil
	})
}

// keep is where the test looks for what a function of events has seen.
func keep(seen string) {
	if err := os.WriteFile(os.Getenv("SEEN"), []byte(seen), 0o600); err != nil {
		log.Print(err)
	}
}

func main() {
	if err := funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")); err != nil {
		log.Fatal(err)
	}
}
