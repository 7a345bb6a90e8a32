package worker

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The frames that all runtimes share: what heeler says is understood, what a worker says is said so.

func TestTheGoldenCallIsARequest(t *testing.T) {
	seen := make(chan *http.Request, 1)
	p := play(t, func(settings Settings) (*Function, error) {
		if settings["handler"] != "function.py:handle" || settings["handler_style"] != "hks" {
			t.Errorf("settings %v", settings)
		}
		return Adapt(handler(func(w http.ResponseWriter, r *http.Request) {
			seen <- r
			deadline, ok := r.Context().Deadline()
			if left := time.Until(deadline); !ok || left > 30*time.Second || left < 20*time.Second {
				t.Errorf("deadline in %v", left)
			}
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("content-type", "text/plain")
			_, _ = w.Write(bytes.ToUpper(body))
		}))
	})
	p.bytes(golden(t, "hello_heeler"))
	p.expect(tHello, 0)
	p.bytes(golden(t, "optional"))
	p.bytes(golden(t, "call"))
	got, want := p.expect(tReply, 1), golden(t, "reply")
	// The time that it took is its own.
	copy(got.payload[8:12], want[headerBytes+8:])
	made := append(putHeader(nil, len(got.payload), got.kind, got.last, got.stream), got.payload...)
	if !bytes.Equal(bytes.ReplaceAll(made, []byte("Content-Type"), []byte("content-type")), want) {
		t.Errorf("%q\nis not\n%q", made, want)
	}
	r := <-seen
	if r.Method != "POST" || r.URL.Path != "/hello" || r.URL.RawQuery != "x=1" || r.RequestURI != "/hello?x=1" ||
		r.RemoteAddr != "127.0.0.1:0" || r.ContentLength != 2 || r.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%+v", r)
	}
	p.bytes(golden(t, "ping"))
	if pong := p.expect(tPong, 0); !bytes.HasPrefix(pong.payload, golden(t, "pong")[headerBytes:]) {
		t.Errorf("%q", pong.payload)
	}
	p.bytes(golden(t, "bye"))
	if code := p.ended(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestPiecesEndAndCancelAreUnderstood(t *testing.T) {
	p := serve(t, func(in []byte) ([]byte, error) { return in, nil })
	p.call(asked{open: true})
	p.bytes(golden(t, "data"))
	p.bytes(golden(t, "window"))
	p.bytes(golden(t, "end_heeler"))
	if a := p.answer(1); string(a.body) != "piece" {
		t.Errorf("%q", a.body)
	}
	q := serve(t, func(in []byte) ([]byte, error) { return in, nil })
	q.call(asked{open: true})
	q.bytes(golden(t, "cancel"))
	if a := q.answer(1); !a.cancelled {
		t.Errorf("%+v", a)
	}
}

// What a worker says of a cancelled call, of a failure and of its trailers is as the golden frames have it.
func TestTheWorkersFramesAreTheGoldenOnes(t *testing.T) {
	same := func(name string, made frame) {
		t.Helper()
		bytes := golden(t, name)
		want, _, _, err := cut(bytes)
		if err != nil || made.kind != want.kind || made.last != want.last || string(made.payload) != string(want.payload) {
			t.Errorf("%s: %v is not %v", name, made, want)
		}
	}
	release := make(chan struct{})
	p := serve(t, handler(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/wait":
			<-release
		case "/fail":
			panic(&fault{kind: raised, name: "ValueError", message: "no", stack: "Traceback: line 1"})
		case "/trail":
			w.Header().Set("Trailer", "X-Sum")
			_, _ = io.WriteString(w, "a")
			w.Header().Set("X-Sum", "1")
		}
	}))
	p.call(asked{target: "/wait"})
	p.send(tCancel, false, 1, []byte{0})
	same("cancelled_running", p.expect(tCancelled, 1))
	close(release)
	same("cancelled", p.expect(tCancelled, 1))
	p.call(asked{target: "/fail"})
	failed := p.expect(tError, 2)
	copy(failed.payload[4:8], golden(t, "error")[headerBytes+4:])
	same("error", failed)
	p.call(asked{target: "/trail"})
	p.expect(tReply, 3)
	p.expect(tData, 3)
	end := p.expect(tEnd, 3)
	copy(end.payload, golden(t, "end_worker")[headerBytes:headerBytes+4])
	same("end_worker", frame{end.kind, end.last, end.stream, append(end.payload[:4:4], bytes.ToLower(end.payload[4:])...)})
}

func TestAFunctionThatCannotBeLoadedIsTold(t *testing.T) {
	p := play(t, func(Settings) (*Function, error) { return Adapt(42) })
	p.hello(1<<16, 0)
	f := p.expect(tError, 0)
	want := golden(t, "error_load")[headerBytes:]
	if !f.last || !bytes.Equal(f.payload[:errorHead], want[:errorHead]) || !strings.Contains(string(f.payload), "type int cannot be served; these can") {
		t.Errorf("%q", f.payload)
	}
	if code := p.ended(); code != exitNotLoaded {
		t.Errorf("exit %d", code)
	}
}

func TestBrokenBytesEndTheWorker(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "tests", "wire", "broken", "both_*.hex"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no broken frames: %v", err)
	}
	rows := map[string][]byte{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".hex")
		rows[name] = golden(t, "broken/"+name)
	}
	made := func(kind byte, last bool, stream uint32, payload ...byte) []byte {
		return append(putHeader(nil, len(payload), kind, last, stream), payload...)
	}
	call := asked{}.payload()
	change := func(at int, with ...byte) []byte {
		changed := append([]byte(nil), call...)
		copy(changed[at:], with)
		return made(tCall, true, 1, changed...)
	}
	rows["a call of kind 3"] = change(0, 3)
	rows["fields past the frame"] = change(4, 0, 1, 0, 0)
	rows["a field without end"] = change(len(call)-1, 'x')
	rows["an odd field"] = made(tCall, true, 1, asked{headers: []string{"name"}}.payload()...)
	rows["too few fields"] = made(tCall, true, 1, append(make([]byte, 7, 29), append([]byte{2}, append(make([]byte, 12), 0, 0)...)...)...)
	rows["attributes that are not there"] = change(0, kindEvent, 11, 0, 9)
	rows["a short call"] = made(tCall, true, 1, 0, 11)
	rows["a call on stream 0"] = made(tCall, true, 0, call...)
	rows["no such call"] = made(tData, true, 9)
	rows["a window of nothing"] = append(made(tCall, false, 1, asked{open: true}.payload()...), made(tWindow, false, 1, 0, 0, 0, 0)...)
	rows["a cancel without a reason"] = append(made(tCall, false, 1, asked{open: true}.payload()...), made(tCancel, false, 1)...)
	rows["a short window"] = append(made(tCall, false, 1, asked{open: true}.payload()...), made(tWindow, false, 1, 1)...)
	rows["a second hello"] = made(tHello, false, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	rows["a reply of heeler's"] = append(made(tCall, false, 1, asked{open: true}.payload()...), made(tReply, true, 1)...)
	rows["a second call on a stream"] = append(made(tCall, false, 1, asked{open: true}.payload()...), made(tCall, false, 1, asked{open: true}.payload()...)...)
	rows["more behind the end"] = append(append(made(tCall, false, 1, asked{open: true}.payload()...), made(tEnd, true, 1)...), made(tData, true, 1)...)
	rows["a batch of nothing"] = made(tCall, true, 1, asked{kind: kindBatch, events: 1}.payload()...)
	rows["a batch that goes on"] = made(tCall, true, 1, asked{kind: kindBatch, events: 1, body: "\x00\x00\x00\x00\x00\x00\x00\x00x"}.payload()...)
	rows["an event beyond its batch"] = made(tCall, true, 1, asked{kind: kindBatch, events: 1, body: "\xff\xff\xff\xff\xff\xff\xff\xff"}.payload()...)
	rows["more than the window"] = flood()
	for name, bytes := range rows {
		t.Run(name, func(t *testing.T) {
			hold := make(chan struct{})
			defer close(hold)
			p := serve(t, handler(func(http.ResponseWriter, *http.Request) { <-hold }))
			// Some of it may not be read any more.
			_, _ = p.socket.Write(bytes)
			if code := p.ended(); code != exitBroken {
				t.Errorf("exit %d", code)
			}
		})
	}
	for name, bytes := range map[string][]byte{
		"a call before hello": change(0), "a hello of version 0": made(tHello, false, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
		"a narrow window": made(tHello, false, 0, 0, 1, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0), "a short hello": made(tHello, false, 0, 0, 1),
	} {
		p := play(t, func(Settings) (*Function, error) { return Adapt(http.NotFoundHandler()) })
		p.bytes(bytes)
		if code := p.ended(); code != exitBroken {
			t.Errorf("%s: exit %d", name, code)
		}
	}
}

// flood is a body of which nobody has read anything, and that goes beyond what was allowed.
func flood() []byte {
	all := append(putHeader(nil, 0, tCall, false, 1), asked{open: true}.payload()...)
	binary.BigEndian.PutUint32(all, uint32(len(all)-headerBytes))
	for sent := 0; sent <= ownWindow; sent += maxPayload {
		all = append(putHeader(all, maxPayload, tData, false, 1), make([]byte, maxPayload)...)
	}
	return all
}

// However the bytes are cut, the frames are the same.
func TestFramesMayComeInAnyPieces(t *testing.T) {
	p := serve(t, func(in []byte) ([]byte, error) { return in, nil })
	p.next = 1
	for _, one := range golden(t, "call") {
		p.bytes([]byte{one})
	}
	if a := p.answer(1); string(a.body) != "hi" {
		t.Errorf("%q", a.body)
	}
}

func TestTheSocketsEndEndsTheWorker(t *testing.T) {
	started := make(chan struct{})
	p := serve(t, handler(func(_ http.ResponseWriter, r *http.Request) { close(started); <-r.Context().Done() }))
	p.call(asked{})
	<-started
	p.socket.Close()
	if code := p.ended(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestItsDescriptorIsItsOwn(t *testing.T) {
	t.Setenv("HEELER_FD", "3x")
	if _, err := descriptor(); err == nil {
		t.Error("3x is no descriptor")
	}
	if _, set := os.LookupEnv("HEELER_FD"); set {
		t.Error("what the function starts would see it")
	}
	if fd, err := descriptor(); fd != -1 || err != nil {
		t.Errorf("%d, %v", fd, err)
	}
}
