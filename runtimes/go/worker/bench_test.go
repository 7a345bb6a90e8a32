package worker

import (
	"io"
	"net/http"
	"testing"
)

// BenchmarkCall is sixteen calls that come together, as under load, with what the peer does to send and read them. Run it
// with -cpu 1, which is what the worker does by itself.
func BenchmarkCall(b *testing.B) {
	const together = 16
	ends, socket := pair(b)
	page := make([]byte, 100)
	function := handler(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		if body, _ := io.ReadAll(r.Body); len(body) > 0 {
			page = body
		}
		_, _ = w.Write(page)
	})
	go run(ends, func(Settings) (*Function, error) { return Adapt(function) })
	hello := append(putHeader(nil, helloHead, tHello, false, 0), 0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0)
	buffer := make([]byte, 1<<16)
	if _, err := socket.Write(hello); err != nil {
		b.Fatal(err)
	}
	if _, err := socket.Read(buffer); err != nil {
		b.Fatal(err)
	}
	payload := asked{body: string(make([]byte, 100)), headers: []string{"host", "127.0.0.1:8080", "content-length", "100", "content-type", "application/octet-stream"}}.payload()
	b.ReportAllocs()
	b.ResetTimer()
	stream := uint32(0)
	for n := 0; n < b.N; n += together {
		var calls []byte
		for one := 0; one < together; one++ {
			stream++
			calls = append(putHeader(calls, len(payload), tCall, true, stream), payload...)
		}
		if _, err := socket.Write(calls); err != nil {
			b.Fatal(err)
		}
		for answers := 0; answers < together; {
			read, err := socket.Read(buffer)
			if err != nil {
				b.Fatal(err)
			}
			for rest := buffer[:read]; len(rest) > 0; answers++ {
				_, used, _, err := cut(rest)
				if err != nil || used == 0 {
					b.Fatalf("%d bytes, %v", len(rest), err)
				}
				rest = rest[used:]
			}
		}
	}
}
