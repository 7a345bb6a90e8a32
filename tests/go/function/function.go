// Package function is what tests/warm_go.rs calls through heeler.
package function

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Function has the hooks of Knative's instanced functions.
type Function struct{ gate string }

// New makes the one instance.
func New() *Function { return &Function{gate: os.Getenv("TESTFN_GATE")} }

// Start is told the environment.
func (f *Function) Start(_ context.Context, settings map[string]string) error {
	fmt.Println("started with", settings["GREETING"])
	return nil
}

// Stop is called behind the last call.
func (f *Function) Stop(context.Context) error {
	fmt.Println("stopped")
	return nil
}

// Ready is false once the test says so.
func (f *Function) Ready(context.Context) (bool, error) {
	_, err := os.Stat(filepath.Join(f.gate, "unready"))
	return err != nil, nil
}

// Handle does what the path says.
func (f *Function) Handle(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/echo":
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("Trailer", "X-Back")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-Back", r.Trailer.Get("X-Sent"))
	case "/flood":
		size, _ := strconv.Atoi(r.URL.Query().Get("bytes"))
		piece := make([]byte, 64<<10)
		for sent := 0; sent < size; sent += len(piece) {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		for number := 0; number < 3; number++ {
			fmt.Fprintf(w, "data: %d\n\n", number)
			w.(http.Flusher).Flush()
			f.wait(fmt.Sprintf("open.%d", number))
		}
	case "/panic":
		panic("secret words")
	case "/cut":
		fmt.Fprint(w, "begun")
		w.(http.Flusher).Flush()
		panic("behind the head")
	case "/until":
		<-r.Context().Done()
		f.note("over: " + r.Context().Err().Error())
	case "/hold":
		f.note("held")
		f.wait("go")
		fmt.Fprint(w, "let go")
	case "/sleep":
		time.Sleep(time.Hour)
	case "/unread":
		fmt.Fprint(w, "unread")
	case "/see":
		fmt.Fprint(w, r.Method, " ", r.RequestURI, " ", r.Host, " ", r.Proto, " ", r.ContentLength, " ", r.Header["X-Twice"])
	default:
		http.NotFound(w, r)
	}
}

// note leaves a file for the test.
func (f *Function) note(what string) {
	_ = os.WriteFile(filepath.Join(f.gate, what), nil, 0o600)
}

// wait is for a file of the test's.
func (f *Function) wait(name string) {
	for {
		if _, err := os.Stat(filepath.Join(f.gate, name)); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
