package worker

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

// instanced has all hooks.
type instanced struct {
	started, stopped bool
	settings         map[string]string
	sick             error
}

func (i *instanced) Handle(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("handled")) }
func (i *instanced) Start(_ context.Context, settings map[string]string) error {
	i.started, i.settings = true, settings
	return nil
}
func (i *instanced) Stop(context.Context) error          { i.stopped = true; return i.sick }
func (i *instanced) Alive(context.Context) (bool, error) { return i.sick == nil, nil }
func (i *instanced) Ready(context.Context) (bool, error) { return false, errors.New("not yet") }

func TestInstancesAreStartedAskedAndStopped(t *testing.T) {
	t.Setenv("GREETING", "hello")
	if err := os.WriteFile("cfg", []byte("GREETING=no\n\nname = \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove("cfg")
	one := &instanced{}
	p := serve(t, func() *instanced { return one })
	if !one.started || one.settings["GREETING"] != "hello" || one.settings["name"] != "x" {
		t.Errorf("%+v", one)
	}
	if p.about["hooks"] != "alive ready" || p.about["style"] != "func" || p.about["function"] != "*worker.instanced.Handle" {
		t.Errorf("%v", p.about)
	}
	if a := p.ask(asked{}); string(a.body) != "handled" {
		t.Errorf("%+v", a)
	}
	for question, want := range []string{"\x00\x01", "\x01\x00not yet"} {
		p.send(tPing, false, 0, []byte{byte(question)})
		if f := p.expect(tPong, 0); string(f.payload) != want {
			t.Errorf("%q", f.payload)
		}
	}
	p.send(tBye, false, 0, []byte("enough"))
	if code := p.ended(); code != 0 || !one.stopped {
		t.Errorf("exit %d, %+v", code, one)
	}
	one.sick = errors.New("sick")
	p = serve(t, one)
	p.send(tBye, false, 0, nil)
	if code := p.ended(); code != 1 {
		t.Errorf("exit %d", code)
	}
}

type unable struct{ instanced }

func (*unable) Start(context.Context, map[string]string) error { return errors.New("no database") }

func TestAStartThatFailsIsALoadFailure(t *testing.T) {
	p := play(t, func(Settings) (*Function, error) { return Adapt(&unable{}) })
	p.hello(1<<16, 0)
	if f := p.expect(tError, 0); f.payload[0] != notLoaded || !strings.Contains(string(f.payload), "the function's Start failed: no database") {
		t.Errorf("%q", f.payload)
	}
}

func TestByeWaitsForOpenCalls(t *testing.T) {
	hold, began := make(chan struct{}), make(chan struct{})
	p := serve(t, handler(func(w http.ResponseWriter, _ *http.Request) { close(began); <-hold; _, _ = w.Write([]byte("last")) }))
	stream := p.call(asked{})
	<-began
	p.send(tBye, false, 0, nil)
	p.send(tPing, false, 0, []byte{askReady})
	if f := p.expect(tPong, 0); f.payload[1] != 0 {
		t.Errorf("%q", f.payload)
	}
	close(hold)
	if a := p.answer(stream); string(a.body) != "last" {
		t.Errorf("%+v", a)
	}
	if code := p.ended(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// All at once: the call ends when nothing else is left to wait for.
func TestTheLastAnswerIsNotLost(t *testing.T) {
	body := strings.Repeat("x", 20_000)
	load := func(Settings) (*Function, error) {
		return Adapt(handler(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
	}
	call := asked{}.payload()
	all := append(putHeader(nil, helloHead, tHello, false, 0), 0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0)
	all = append(putHeader(all, len(call), tCall, true, 1), call...)
	all = putHeader(all, 0, tBye, false, 0)
	for round := 0; round < 5_000; round++ {
		p := play(t, load)
		p.bytes(all)
		p.expect(tHello, 0)
		if a := p.answer(1); string(a.body) != body {
			t.Fatalf("round %d: %d bytes", round, len(a.body))
		}
		if code := p.ended(); code != 0 {
			t.Fatalf("round %d: exit %d", round, code)
		}
		p.socket.Close()
	}
}

// A signal asks for a replacement, and calls come until heeler has one. The second one does not wait for that.
func TestASignalLosesNoCalls(t *testing.T) {
	for _, again := range []bool{false, true} {
		p := serve(t, handler(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("served")) }))
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		p.expect(tBye, 0)
		if again {
			_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		} else {
			if a := p.ask(asked{}); string(a.body) != "served" {
				t.Errorf("%+v", a)
			}
			p.send(tBye, false, 0, nil)
		}
		if code := p.ended(); code != 0 {
			t.Errorf("exit %d", code)
		}
	}
}

func TestBytesAndTheirErrors(t *testing.T) {
	p := serve(t, func(_ context.Context, in []byte) ([]byte, error) {
		if len(in) == 0 {
			return nil, errors.New("nothing came")
		}
		return in, nil
	})
	if a := p.ask(asked{body: "abc"}); string(a.body) != "abc" || a.status != 200 {
		t.Errorf("%+v", a)
	}
	if a := p.ask(asked{}); !a.fault || a.kind != raised || a.message != "nothing came" {
		t.Errorf("%+v", a)
	}
}

func TestWhatCannotBeServedNamesWhatCan(t *testing.T) {
	odd := func(fn any) (http.Handler, error) { return nil, errors.New("func(odd)") }
	for _, fn := range []any{nil, 42, func(int) {}, func() int { return 1 }, struct{}{}} {
		_, err := Adapt(fn)
		if err == nil || !strings.Contains(err.Error(), "func([]byte) ([]byte, error)") {
			t.Errorf("%T: %v", fn, err)
		}
	}
	if _, err := Adapt(42, func(fn any) (http.Handler, error) {
		if fn == nil {
			return odd(fn)
		}
		return nil, nil
	}); err == nil || !strings.HasSuffix(err.Error(), "\n  func(odd)") {
		t.Errorf("%v", err)
	}
}
