package worker

import (
	"net/http"
	"strings"
	"testing"
)

// What HTTP does not allow is left out, as net/http does it: heeler would fail the whole call for it.
func TestNamesAndValuesThatHTTPDoesNotAllowAreLeftOut(t *testing.T) {
	p := serve(t, handler(func(w http.ResponseWriter, _ *http.Request) {
		set := func(prefix string) {
			for name, value := range map[string]string{
				"X-Control": "a\x01b", "X-Delete": "a\x7f", "X-Nul": "a\x00b", "X Name": "a", "X\x01": "a",
				"X-" + strings.Repeat("x", mostName-1): "long", "X-Tab": " a\tb ", "X-Lines": "a\r\nb", "X-High": "\xe4\u00e4",
			} {
				w.Header()[prefix+name] = []string{value}
			}
		}
		set("")
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(200)
		set(http.TrailerPrefix)
	}))
	a := p.ask(asked{})
	want := map[string]string{"X-Tab": "a\tb", "X-Lines": "a  b", "X-High": "\xe4\u00e4", "Content-Type": "text/plain"}
	same(t, a.fields, want)
	delete(want, "Content-Type")
	same(t, a.trailers, want)
}

func same(t *testing.T, pairs []string, want map[string]string) {
	t.Helper()
	if len(pairs) != 2*len(want) {
		t.Errorf("%.1000q", pairs)
	}
	for at := 0; at < len(pairs); at += 2 {
		if value, wanted := want[pairs[at]]; !wanted || value != pairs[at+1] {
			t.Errorf("%.100q: %q", pairs[at], pairs[at+1])
		}
	}
}
