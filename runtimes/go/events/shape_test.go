package events

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
)

const sent = `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1}}`

// Every shape that the SDK takes, called without heeler; what each was given is noted in `seen`.
func TestTheTwelveShapes(t *testing.T) {
	var seen string
	note := func(all ...any) {
		for _, one := range all {
			switch one := one.(type) {
			case context.Context:
				seen += "c"
			case event.Event:
				seen += one.ID()
			}
		}
	}
	back := func() *event.Event {
		e := event.New()
		e.SetID("b")
		e.SetSource("/b")
		e.SetType("b")
		return &e
	}
	failed := errors.New("secret words")
	for _, row := range []struct {
		fn     any
		seen   string
		status int
		id     string
	}{
		{func() {}, "", 200, ""},
		{func() error { return failed }, "", 500, ""},
		{func(c context.Context) { note(c) }, "c", 200, ""},
		{func(c context.Context) error { note(c); return nil }, "c", 200, ""},
		{func(e event.Event) { note(e) }, "1", 200, ""},
		{func(e event.Event) error { note(e); return failed }, "1", 500, ""},
		{func(c context.Context, e event.Event) { note(c, e) }, "c1", 200, ""},
		{func(c context.Context, e event.Event) error { note(c, e); return nil }, "c1", 200, ""},
		{func(e event.Event) *event.Event { note(e); return back() }, "1", 200, "b"},
		{func(e event.Event) (*event.Event, error) { note(e); return nil, nil }, "1", 200, ""},
		{func(c context.Context, e event.Event) *event.Event { note(c, e); return back() }, "c1", 200, "b"},
		{func(c context.Context, e event.Event) (*event.Event, error) { note(c, e); return back(), nil }, "c1", 200, "b"},
		{func(all []event.Event) error { note(all[0]); return nil }, "1", 200, ""},
	} {
		seen = ""
		handler, err := Adapt(row.fn)
		if handler == nil || err != nil {
			t.Errorf("%T: %v", row.fn, err)
			continue
		}
		request := httptest.NewRequest("POST", "/", strings.NewReader(sent))
		request.Header.Set("Content-Type", "application/cloudevents+json")
		got := httptest.NewRecorder()
		handler.ServeHTTP(got, request)
		if seen != row.seen || got.Code != row.status || got.Header().Get("Ce-Id") != row.id || strings.Contains(got.Body.String(), "secret") {
			t.Errorf("%T: saw %q, answered %d %v %q", row.fn, seen, got.Code, got.Header(), got.Body)
		}
	}
}

func TestOtherShapesAreNobodys(t *testing.T) {
	for _, fn := range []any{
		42, func(int) {}, func(event.Event, context.Context) {}, func() *event.Event { return nil }, func(event.Event) (error, *event.Event) { return nil, nil },
		func(...event.Event) {}, func(http.ResponseWriter, *http.Request) {}, func(event.Event) string { return "" },
	} {
		if handler, err := Adapt(fn); handler != nil || err != nil {
			t.Errorf("%T: %v %v", fn, handler, err)
		}
	}
	if _, err := Adapt(nil); err == nil {
		t.Error("it does not say what it takes")
	}
}

func TestWhatIsNoEventIsRefused(t *testing.T) {
	called := false
	handler, _ := Adapt(func(event.Event) { called = true })
	for _, row := range []struct {
		method, kind, body string
		status             int
	}{
		{"POST", "text/plain", "words", 415},
		{"POST", "application/cloudevents+json", `{"specversion":"1.0"}`, 400},
		{"POST", "application/cloudevents+json", "no json", 400},
		{"GET", "", "", 405},
		{"DELETE", "", "", 405},
	} {
		request := httptest.NewRequest(row.method, "/", strings.NewReader(row.body))
		request.Header.Set("Content-Type", row.kind)
		got := httptest.NewRecorder()
		if handler.ServeHTTP(got, request); got.Code != row.status || called {
			t.Errorf("%+v: %d", row, got.Code)
		}
	}
}

// Attributes go through both ways without a change.
func TestAttributesAreKept(t *testing.T) {
	given := []string{"specversion", "1.0", "id", "1", "source", "/s", "type", "t", "subject", "\u00e4 %", "time", "2020-01-02T03:04:05.006Z", "extra", "x", "dataschema", "http://s/"}
	e, err := from(given, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	back, err := pairs(&e)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for at := 0; at < len(back); at += 2 {
		found[back[at]] = back[at+1]
	}
	for at := 0; at < len(given); at += 2 {
		if found[given[at]] != given[at+1] {
			t.Errorf("%s: %q is not %q", given[at], found[given[at]], given[at+1])
		}
	}
	if string(e.Data()) != "data" || len(back) != len(given) {
		t.Errorf("%q %q", e.Data(), back)
	}
}
