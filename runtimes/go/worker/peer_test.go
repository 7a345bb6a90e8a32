package worker

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds hanging; it measures nothing.
const patience = 20 * time.Second

// peer plays heeler, frame by frame.
type peer struct {
	t      *testing.T
	socket *os.File
	from   *bufio.Reader
	code   chan int
	next   uint32
	about  map[string]string
	// What the worker has allowed more of.
	room chan uint32
}

// answer is all that came for one call.
type answer struct {
	kind, attributes byte
	status           int
	fields           []string
	body             []byte
	trailers         []string
	// How it ended, if not well.
	fault, cancelled bool
	name, message    string
	status2          int
	logs             []string
	whole            bool
}

func (a answer) header(name string) string {
	for at := 0; at < len(a.fields); at += 2 {
		if strings.EqualFold(a.fields[at], name) {
			return a.fields[at+1]
		}
	}
	return ""
}

// pair is a socket's two ends: the worker's descriptor, and heeler's file.
func pair(t testing.TB) (int, *os.File) {
	t.Helper()
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.SetNonblock(ends[0], true)
	socket := os.NewFile(uintptr(ends[0]), "peer")
	_ = socket.SetDeadline(time.Now().Add(patience))
	return ends[1], socket
}

func play(t *testing.T, load func(Settings) (*Function, error)) *peer {
	t.Helper()
	theirs, socket := pair(t)
	p := &peer{t: t, socket: socket, from: bufio.NewReader(socket), code: make(chan int, 1), room: make(chan uint32, 1000)}
	go func() { p.code <- run(theirs, load) }()
	t.Cleanup(func() { socket.Close() })
	return p
}

// serve plays heeler to a function that is greeted already.
func serve(t *testing.T, fn any) *peer {
	t.Helper()
	p := play(t, func(Settings) (*Function, error) { return Adapt(fn) })
	p.greet(1<<18, 0)
	return p
}

func handler(fn func(w http.ResponseWriter, r *http.Request)) http.Handler {
	return http.HandlerFunc(fn)
}

func (p *peer) send(kind byte, last bool, stream uint32, payload []byte) {
	p.t.Helper()
	p.bytes(append(putHeader(nil, len(payload), kind, last, stream), payload...))
}

func (p *peer) bytes(bytes []byte) {
	p.t.Helper()
	if _, err := p.socket.Write(bytes); err != nil {
		p.t.Fatalf("the worker does not read: %v", err)
	}
}

func (p *peer) hello(window, concurrency uint32, settings ...string) {
	payload := []byte{0, 1, 0, 0}
	payload = binary.BigEndian.AppendUint32(payload, window)
	payload = binary.BigEndian.AppendUint32(payload, concurrency)
	p.send(tHello, false, 0, putPairs(payload, settings...))
}

func (p *peer) greet(window, concurrency uint32) {
	p.t.Helper()
	p.hello(window, concurrency)
	f := p.expect(tHello, 0)
	pairs, err := splitPairs(string(f.payload[helloHead:]))
	if err != nil {
		p.t.Fatal(err)
	}
	p.about = map[string]string{}
	for at := 0; at < len(pairs); at += 2 {
		p.about[pairs[at]] = pairs[at+1]
	}
}

// read gives the next frame.
func (p *peer) read() frame {
	p.t.Helper()
	header := make([]byte, headerBytes)
	if _, err := io.ReadFull(p.from, header); err != nil {
		p.t.Fatalf("no frame: %v", err)
	}
	whole := append(header, make([]byte, binary.BigEndian.Uint32(header))...)
	if _, err := io.ReadFull(p.from, whole[headerBytes:]); err != nil {
		p.t.Fatalf("no whole frame: %v", err)
	}
	f, _, _, err := cut(whole)
	if err != nil {
		p.t.Fatal(err)
	}
	return f
}

func (p *peer) expect(kind byte, stream uint32) frame {
	p.t.Helper()
	f := p.read()
	if f.kind != kind || f.stream != stream {
		p.t.Fatalf("frame %d on stream %d (%q), where %d on %d was expected", f.kind, f.stream, f.payload, kind, stream)
	}
	return f
}

// asked is a call as a test writes it.
type asked struct {
	kind       byte
	version    byte
	method     string
	target     string
	remote     string
	headers    []string
	attributes []string
	events     uint16
	millis     uint32
	body       string
	// Nothing of the body is with the call, and its length is not known.
	open bool
}

func (p *peer) call(a asked) uint32 {
	p.t.Helper()
	p.next++
	p.send(tCall, !a.open, p.next, a.payload())
	return p.next
}

func (a asked) payload() []byte {
	if a.method == "" {
		a.method = "POST"
	}
	if a.target == "" {
		a.target = "/"
	}
	if a.version == 0 {
		a.version = 11
	}
	path, query, _ := strings.Cut(a.target, "?")
	fields := putPairs(nil, a.method, path, query, "http", a.remote, "id-1")
	fields = putPairs(putPairs(fields, a.attributes...), a.headers...)
	payload := []byte{a.kind, a.version}
	number := a.events
	if a.kind == kindEvent {
		number = uint16(len(a.attributes) / 2)
	}
	payload = binary.BigEndian.AppendUint16(payload, number)
	payload = binary.BigEndian.AppendUint32(payload, uint32(len(fields)))
	payload = binary.BigEndian.AppendUint32(payload, a.millis)
	length := uint64(len(a.body))
	if a.open {
		length = unknownLength
	}
	payload = binary.BigEndian.AppendUint64(payload, length)
	return append(append(payload, fields...), a.body...)
}

// answer reads one call's answer to its end, and gives room for all of it.
func (p *peer) answer(stream uint32) (a answer) {
	p.t.Helper()
	for {
		f := p.read()
		if f.stream != stream {
			p.t.Fatalf("frame %d on stream %d, where %d is being answered", f.kind, f.stream, stream)
		}
		switch f.kind {
		case tReply:
			a.kind, a.attributes, a.status = f.payload[0], f.payload[1], int(binary.BigEndian.Uint16(f.payload[2:]))
			end := replyHead + int(binary.BigEndian.Uint32(f.payload[4:]))
			fields, err := splitPairs(string(f.payload[replyHead:end]))
			if err != nil {
				p.t.Fatal(err)
			}
			a.fields, a.body, a.whole = fields, f.payload[end:], f.last
		case tData:
			a.body = append(a.body, f.payload...)
			p.send(tWindow, false, stream, binary.BigEndian.AppendUint32(nil, uint32(len(f.payload))))
		case tEnd:
			a.trailers, _ = splitPairs(string(f.payload[4:]))
		case tError:
			fields, _ := splitFields(string(f.payload[errorHead:]))
			a.fault, a.kind, a.status2 = true, f.payload[0], int(binary.BigEndian.Uint16(f.payload[2:]))
			a.name, a.message = fields[0], fields[1]
		case tCancelled:
			a.cancelled = true
		case tLog:
			a.logs = append(a.logs, string(f.payload[2:]))
		case tWindow:
			p.room <- binary.BigEndian.Uint32(f.payload)
		default:
			p.t.Fatalf("frame %d in an answer", f.kind)
		}
		if f.last {
			return a
		}
	}
}

func (p *peer) ask(a asked) answer {
	p.t.Helper()
	return p.answer(p.call(a))
}

// ended is the worker's exit code.
func (p *peer) ended() int {
	p.t.Helper()
	select {
	case code := <-p.code:
		return code
	case <-time.After(patience):
		p.t.Fatal("the worker does not end")
		return -1
	}
}

// golden is a frame of tests/wire.
func golden(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "tests", "wire", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for _, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	bytes, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
