package worker

import (
	"fmt"
	"net"
	"net/http"
	"testing"
)

// Code asserts these types without a look, as net/http has them in every request.
func TestContextsHaveNetHttpsValues(t *testing.T) {
	p := serve(t, handler(func(w http.ResponseWriter, r *http.Request) {
		local := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		server := r.Context().Value(http.ServerContextKey).(*http.Server)
		fmt.Fprint(w, local.Network(), " ", local, " ", server.Addr, " ", server.Handler != nil, " ", r.Context().Value("none"))
	}))
	if a := p.ask(asked{}); string(a.body) != "unix   true <nil>" {
		t.Errorf("%+v", a)
	}
}
