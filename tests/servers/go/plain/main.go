// The small app for net/http, over HTTP/1.1 and over HTTP/2 without TLS.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintln(w, "hello")
}

func echo(w http.ResponseWriter, r *http.Request) {
	// Over HTTP/1 the server reads no more once the answer has begun, unless it is told to.
	_ = http.NewResponseController(w).EnableFullDuplex()
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	_, _ = io.Copy(w, r.Body)
}

func headers(w http.ResponseWriter, r *http.Request) {
	seen := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		seen[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	remote, _, _ := net.SplitHostPort(r.RemoteAddr)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "target": r.RequestURI, "query": r.URL.RawQuery,
		"headers": seen, "remote": remote, "protocol": r.Proto,
	})
}

func cookies(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
}

func status(w http.ResponseWriter, r *http.Request) {
	code, _ := strconv.Atoi(r.PathValue("code"))
	w.WriteHeader(code)
	fmt.Fprintf(w, "status %d\n", code)
}

func stream(w http.ResponseWriter, _ *http.Request) {
	for n := range 10 {
		fmt.Fprintf(w, "piece %d\n", n)
		_ = http.NewResponseController(w).Flush()
	}
}

func big(w http.ResponseWriter, r *http.Request) {
	length, _ := strconv.Atoi(r.PathValue("length"))
	body := make([]byte, length)
	for n := range body {
		body[n] = byte(n % 251)
	}
	_, _ = w.Write(body)
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, "data: first\n\n")
	_ = http.NewResponseController(w).Flush()
	// A named pipe: this waits until the test has written into it.
	_, _ = os.ReadFile(r.URL.Query().Get("gate"))
	fmt.Fprint(w, "data: second\n\n")
}

func trailers(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Trailer", "X-Late")
	fmt.Fprintln(w, "body")
	w.Header().Set("X-Late", "1")
	w.Header().Set(http.TrailerPrefix+"X-Later", "2")
}

func main() {
	mux := http.NewServeMux()
	for pattern, page := range map[string]http.HandlerFunc{
		"/hello": hello, "/echo": echo, "/headers": headers, "/headers/": headers, "/cookies": cookies,
		"/status/{code}": status, "/stream": stream, "/big/{length}": big, "/events": events, "/trailers": trailers,
	} {
		mux.HandleFunc(pattern, page)
	}
	server := http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: mux, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	log.Fatal(server.ListenAndServe())
}
