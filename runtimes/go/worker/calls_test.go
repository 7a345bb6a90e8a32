package worker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPanicsAreCrashes(t *testing.T) {
	p := serve(t, handler(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			fmt.Fprint(w, "lost")
			panic("oh no")
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/exit":
			runtime.Goexit()
		case "/late":
			w.(http.Flusher).Flush()
			panic(errors.New("late"))
		case "/status":
			w.WriteHeader(600)
		case "/short":
			w.Header().Set("Content-Length", "5")
			fmt.Fprint(w, "abc")
		case "/head":
			w.Header().Set("X", strings.Repeat("x", maxPayload))
		case "/trailers":
			w.Header().Set(http.TrailerPrefix+"X", strings.Repeat("x", maxPayload))
		}
		fmt.Fprint(w, "well")
	}))
	for _, row := range []struct {
		path, name, message string
		kind                byte
	}{
		{"/panic", "string", "oh no", crashed},
		{"/abort", "abort", "", raised},
		{"/exit", "goexit", "the function ended its goroutine", crashed},
		{"/late", "*errors.errorString", "late", crashed},
		{"/status", "status", "status 600 cannot be sent to heeler: 200 to 599 can", raised},
		{"/head", "head", "", raised},
		{"/trailers", "trailers", "", raised},
	} {
		a := p.ask(asked{target: row.path})
		if !a.fault || a.name != row.name || a.kind != row.kind || (row.message != "" && a.message != row.message) {
			t.Errorf("%s: %+v", row.path, a)
		}
	}
	short := serve(t, handler(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		fmt.Fprint(w, "abc")
	}))
	if a := short.ask(asked{}); !a.fault || a.name != "content-length" {
		t.Errorf("%+v", a)
	}
	if a := p.ask(asked{}); string(a.body) != "well" {
		t.Errorf("it does not serve on: %+v", a)
	}
}

func TestBodiesStreamBothWaysWithinTheWindow(t *testing.T) {
	p := serve(t, handler(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(w, r.Body); err != nil {
			panic(err)
		}
		w.Header().Set(http.TrailerPrefix+"X-Got", r.Trailer.Get("X-Sent"))
	}))
	stream := p.call(asked{open: true, headers: []string{"trailer", "X-Sent"}})
	piece := bytes.Repeat([]byte("0123456789abcdef"), maxPayload/16)
	const pieces = 64
	go func() {
		for n, allowed := 0, ownWindow; n < pieces; n++ {
			for allowed < len(piece) {
				allowed += int(<-p.room)
			}
			allowed -= len(piece)
			p.send(tData, false, stream, piece)
		}
		p.send(tEnd, true, stream, putPairs(nil, "x-sent", "all"))
	}()
	a := p.answer(stream)
	if len(a.body) != pieces*len(piece) || !bytes.Equal(a.body[:len(piece)], piece) {
		t.Errorf("%d bytes of %d", len(a.body), pieces*len(piece))
	}
	if len(a.trailers) != 2 || a.trailers[1] != "all" {
		t.Errorf("trailers %q", a.trailers)
	}
}

func TestAnAnswerWaitsForItsWindow(t *testing.T) {
	failed := make(chan error, 1)
	p := play(t, func(Settings) (*Function, error) {
		return Adapt(handler(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/small" {
				return
			}
			if r.URL.Path == "/late" {
				_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
			}
			_, err := w.Write(make([]byte, 3*leastWindow))
			failed <- err
		}))
	})
	p.greet(leastWindow, 0)
	stream := p.call(asked{})
	p.expect(tReply, stream)
	got := len(p.expect(tData, stream).payload)
	// Nobody else is held up meanwhile.
	if a := p.ask(asked{target: "/small"}); a.status != 200 {
		t.Errorf("%+v", a)
	}
	if got != leastWindow {
		t.Errorf("%d bytes where %d were allowed", got, leastWindow)
	}
	p.send(tCancel, false, stream, []byte{0})
	if f := p.expect(tCancelled, stream); !f.last {
		p.expect(tCancelled, stream)
	}
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	late := p.call(asked{target: "/late"})
	p.expect(tReply, late)
	p.expect(tData, late)
	if f := p.expect(tError, late); !f.last || !errors.Is(<-failed, os.ErrDeadlineExceeded) {
		t.Errorf("%+v", f)
	}
}

func TestCancelAndDeadlineEndTheContext(t *testing.T) {
	causes := make(chan error, 1)
	p := serve(t, handler(func(_ http.ResponseWriter, r *http.Request) {
		derived, cancel := context.WithCancel(context.WithValue(r.Context(), t, 1))
		defer cancel()
		if r.URL.Path == "/body" {
			_, err := io.ReadAll(r.Body)
			causes <- err
			return
		}
		<-derived.Done()
		causes <- r.Context().Err()
	}))
	for _, row := range []struct {
		call asked
		tell int
		want error
	}{
		{asked{}, 0, context.Canceled},
		{asked{millis: 60_000}, 1, context.DeadlineExceeded},
		{asked{millis: 20}, -1, context.DeadlineExceeded}, // nobody tells it
		{asked{target: "/body", open: true}, 2, context.Canceled},
	} {
		stream := p.call(row.call)
		if row.tell >= 0 {
			p.send(tCancel, false, stream, []byte{byte(row.tell)})
		}
		if err := <-causes; !errors.Is(err, row.want) {
			t.Errorf("%+v: %v", row.call, err)
		}
		if a := p.answer(stream); a.cancelled != (row.tell >= 0) {
			t.Errorf("%+v: %+v", row.call, a)
		}
	}
}

func TestTheContextIsOverWithTheFunction(t *testing.T) {
	contexts := make(chan context.Context, 1)
	p := serve(t, handler(func(_ http.ResponseWriter, r *http.Request) { contexts <- r.Context() }))
	p.ask(asked{})
	select {
	case <-(<-contexts).Done():
	case <-time.After(patience):
		t.Error("it goes on")
	}
}

func TestReadingAndWritingAfterTheEnd(t *testing.T) {
	type kept struct {
		w http.ResponseWriter
		r *http.Request
	}
	all := make(chan kept, 1)
	p := serve(t, handler(func(w http.ResponseWriter, r *http.Request) { all <- kept{w, r} }))
	p.ask(asked{body: "unread"})
	late := <-all
	<-late.r.Context().Done()
	if _, err := late.w.Write([]byte("a")); err == nil {
		t.Error("written")
	}
	if _, err := late.r.Body.Read(make([]byte, 1)); err == nil {
		t.Error("read")
	}
}

func TestTheResponseController(t *testing.T) {
	p := serve(t, handler(func(w http.ResponseWriter, r *http.Request) {
		controller := http.NewResponseController(w)
		_, _, hijacked := controller.Hijack()
		_ = controller.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, read := r.Body.Read(make([]byte, 1))
		fmt.Fprint(w, controller.EnableFullDuplex(), hijacked, errors.Is(read, os.ErrDeadlineExceeded), controller.Flush())
	}))
	if a := p.ask(asked{open: true}); !strings.Contains(string(a.body), "mode=http is for that true <nil>") {
		t.Errorf("%q", a.body)
	}
}

func TestSuperfluousHeadsAreLogged(t *testing.T) {
	var said bytes.Buffer
	log.SetOutput(&said)
	defer log.SetOutput(io.Discard)
	twice := make(chan struct{})
	p := serve(t, handler(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(202)
		w.WriteHeader(500)
		close(twice)
	}))
	if a := p.ask(asked{}); a.status != 202 {
		t.Errorf("%+v", a)
	}
	<-twice
	if !strings.Contains(said.String(), "superfluous response.WriteHeader call from heeler/worker.TestSuperfluous") {
		t.Errorf("%s", said.String())
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	const calls = 500
	var all sync.WaitGroup
	all.Add(calls)
	p := serve(t, handler(func(w http.ResponseWriter, r *http.Request) {
		all.Done()
		all.Wait()
		fmt.Fprint(w, r.URL.Path)
	}))
	for n := 0; n < calls; n++ {
		p.call(asked{target: fmt.Sprintf("/%d", n)})
	}
	seen := map[string]bool{}
	for n := 0; n < calls; n++ {
		f := p.read()
		seen[fmt.Sprintf("%d%s", f.stream, f.payload[len(f.payload)-3:])] = true
	}
	if len(seen) != calls {
		t.Errorf("%d answers", len(seen))
	}
}

func TestBothNumbersOfCallsAreKept(t *testing.T) {
	for _, row := range []struct{ theirs, functions, want uint32 }{{0, 0, 1000}, {5, 0, 5}, {5000, 0, 1000}, {0, 3, 3}, {2, 3, 2}, {0, 4000, 4000}} {
		row := row
		p := play(t, func(Settings) (*Function, error) {
			return &Function{Handler: http.NotFoundHandler(), Concurrency: row.functions}, nil
		})
		p.hello(1<<16, row.theirs)
		if got := binary.BigEndian.Uint32(p.expect(tHello, 0).payload[8:]); got != row.want {
			t.Errorf("%+v: %d", row, got)
		}
	}
}
