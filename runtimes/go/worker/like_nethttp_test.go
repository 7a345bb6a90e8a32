package worker

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"
)

// The same handlers under net/http's own server and under the worker: status, headers and body have to be the same.

var answersBegan = time.Unix(1_700_000_000, 0)

var answers = map[string]http.HandlerFunc{
	"nothing":        func(http.ResponseWriter, *http.Request) {},
	"text":           func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "plain words") },
	"html by pieces": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, " <"); fmt.Fprint(w, "html>") },
	"bytes":          func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0, 1, 2, 0xff}) },
	"json": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	},
	"no type": func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil; fmt.Fprint(w, "a") },
	"packed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		fmt.Fprint(w, "a")
	},
	"created": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); fmt.Fprint(w, "made") },
	"no content": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(204)
		_, err := w.Write([]byte("a"))
		w.Header().Set("Late", fmt.Sprint(err))
	},
	"not modified": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(304)
	},
	"headers": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
		w.Header().Set("X-Lines", "a\r\nb: c")
		w.Header()["not a name"] = []string{"x"}
		w.Header()["lower-case"] = []string{" trimmed "}
		w.WriteHeader(200)
		w.Header().Set("Late", "1")
	},
	"own length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "3")
		fmt.Fprint(w, "abc")
	},
	"length that is none": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "many")
		fmt.Fprint(w, "abc")
	},
	"too much": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "3")
		_, first := w.Write([]byte("abc"))
		_, second := w.Write([]byte("d"))
		if first != nil || second != http.ErrContentLength {
			panic(fmt.Sprint(first, second))
		}
	},
	"not found": http.NotFound,
	"error":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 503) },
	"redirect":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/else?x=1", 302) },
	"hints":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(202) },
	"large":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("a"), 300_000)) },
	"flushed": func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "a")
		w.(http.Flusher).Flush()
		fmt.Fprint(w, "b")
	},
	"flush only": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); fmt.Fprint(w, "<html>") },
	"trailers": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Trailer", "X-Sum, X-None")
		fmt.Fprint(w, "a")
		w.Header().Set("X-Sum", "1")
		w.Header().Set(http.TrailerPrefix+"X-More", "2")
		w.Header().Set("X-Other", "3")
	},
	"copied": func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, strings.NewReader("copied")) },
	"file": func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.txt", answersBegan, strings.NewReader("0123456789"))
	},
}

func TestAnswersAreNetHttps(t *testing.T) {
	log.SetOutput(io.Discard)
	for name, fn := range answers {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			if method == "HEAD" && name == "length that is none" {
				continue // net/http sends what no client takes
			}
			t.Run(method+" "+name, func(t *testing.T) {
				theirs := byNetHTTP(t, fn, method)
				got := serve(t, fn).ask(asked{method: method, headers: []string{"range", "bytes=2-3"}})
				if ours := told(got); ours != theirs {
					t.Errorf("ours:\n%s\nnet/http's:\n%s", ours, theirs)
				}
			})
		}
	}
}

// What a server adds for its connection is no part of the comparison, nor is a length where ours went in pieces.
func byNetHTTP(t *testing.T, fn http.HandlerFunc, method string) string {
	server := httptest.NewServer(fn)
	defer server.Close()
	request, _ := http.NewRequest(method, server.URL, nil)
	request.Header.Set("Range", "bytes=2-3")
	client := http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return said(response.StatusCode, response.Header, response.Trailer, body)
}

func told(a answer) string {
	headers, trailers := http.Header{}, http.Header{}
	for at := 0; at+1 < len(a.fields); at += 2 {
		headers.Add(a.fields[at], a.fields[at+1])
	}
	for at := 0; at+1 < len(a.trailers); at += 2 {
		trailers.Add(a.trailers[at], a.trailers[at+1])
	}
	return said(a.status, headers, trailers, a.body)
}

func said(status int, headers, trailers http.Header, body []byte) string {
	var lines []string
	for name, values := range headers {
		switch name {
		case "Date", "Content-Length", "Trailer", "Connection", "Transfer-Encoding":
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: %q", name, values))
	}
	for name, values := range trailers {
		if len(values) > 0 {
			lines = append(lines, fmt.Sprintf("trailer %s: %q", name, values))
		}
	}
	sort.Strings(lines)
	return fmt.Sprintf("%d\n%s\n%d bytes: %.40q", status, strings.Join(lines, "\n"), len(body), body)
}

// Requests, too: what a handler sees of one.
func TestRequestsAreNetHttps(t *testing.T) {
	for _, row := range []struct {
		method, target, body string
		headers              []string
	}{
		{"GET", "/", "", nil},
		{"GET", "/a%20b/c%2Fd?x=1&y=%20", "", []string{"accept", "*/*"}},
		{"POST", "/x;y=1", "body", []string{"content-type", "text/plain", "x-twice", "1", "x-twice", "2"}},
		{"PUT", "/?", "", []string{"cookie", "a=1; b=2", "x-odd_name", "v"}},
		{"DELETE", "//double/", "", nil},
		{"POST", "/q?a+b=%zz", "a=1", []string{"content-type", "application/x-www-form-urlencoded"}},
		{"GET", "/caf\u00e9", "", nil},
	} {
		t.Run(row.method+" "+row.target, func(t *testing.T) {
			var seen []string
			see := func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				body, _ := io.ReadAll(r.Body)
				host, _, err := net.SplitHostPort(r.RemoteAddr)
				delete(r.Header, "User-Agent")
				delete(r.Header, "Accept-Encoding")
				seen = append(seen, fmt.Sprintf("%s %q %q %q %q %v %s %v %v %d %q %v %q %v %v", r.Method, r.RequestURI, r.URL.Path,
					r.URL.RawQuery, r.URL.String(), r.Header, r.Host, host, err, r.ContentLength, body, r.Form, r.Proto, r.TransferEncoding, r.Trailer))
			}
			server := httptest.NewServer(http.HandlerFunc(see))
			defer server.Close()
			at, _ := url.Parse(server.URL)
			conn, err := net.Dial("tcp", at.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			target := strings.TrimSuffix(row.target, "?")
			request := row.method + " " + target + " HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\n"
			headers := append([]string{"host", "h.example"}, row.headers...)
			for at := 0; at < len(row.headers); at += 2 {
				request += row.headers[at] + ": " + row.headers[at+1] + "\r\n"
			}
			if row.body != "" {
				length := fmt.Sprint(len(row.body))
				request += "content-length: " + length + "\r\n"
				headers = append(headers, "content-length", length)
			}
			fmt.Fprint(conn, request+"\r\n"+row.body)
			_, _ = io.ReadAll(conn)
			serve(t, handler(see)).ask(asked{method: row.method, target: target, headers: headers, body: row.body, remote: "127.0.0.1"})
			if len(seen) != 2 {
				t.Fatalf("seen by %d of both: %v", len(seen), seen)
			}
			if theirs := strings.Replace(seen[0], "Connection:[close]", "", 1); strings.Join(strings.Fields(theirs), "") != strings.Join(strings.Fields(seen[1]), "") {
				t.Errorf("ours:\n%s\nnet/http's:\n%s", seen[1], theirs)
			}
		})
	}
}
