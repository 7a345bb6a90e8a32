// The small app as functions of the functions-framework: `play` takes requests, `event` takes CloudEvents.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/cloudevents/sdk-go/v2/event"
)

func init() {
	functions.HTTP("play", play)
	functions.CloudEvent("event", take)
}

func play(w http.ResponseWriter, r *http.Request) {
	word, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	number, _ := strconv.Atoi(rest)
	switch word {
	case "hello":
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintln(w, "hello")
	case "echo":
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = w.Write(body)
	case "headers":
		see(w, r)
	case "cookies":
		w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
	case "status":
		w.WriteHeader(number)
		fmt.Fprintf(w, "status %d\n", number)
	case "stream":
		for n := range 10 {
			fmt.Fprintf(w, "piece %d\n", n)
			w.(http.Flusher).Flush()
		}
	case "big":
		body := make([]byte, number)
		for n := range body {
			body[n] = byte(n % 251)
		}
		_, _ = w.Write(body)
	case "events":
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: first\n\n")
		w.(http.Flusher).Flush()
		// A named pipe: this waits until the test has written into it.
		_, _ = os.ReadFile(r.URL.Query().Get("gate"))
		fmt.Fprint(w, "data: second\n\n")
	default:
		http.NotFound(w, r)
	}
}

func see(w http.ResponseWriter, r *http.Request) {
	seen := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		seen[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	remote, _, _ := net.SplitHostPort(r.RemoteAddr)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "target": r.RequestURI, "query": r.URL.RawQuery, "headers": seen, "remote": remote,
	})
}

func take(_ context.Context, event event.Event) error {
	var data struct{ Name string }
	if err := event.DataAs(&data); err != nil {
		return err
	}
	fmt.Println("event", event.ID(), event.Type(), event.Source(), data.Name)
	return nil
}

func main() {
	log.Fatal(funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")))
}
