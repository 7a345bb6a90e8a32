package worker

import (
	"encoding/binary"
	"runtime"
	"strings"
)

const (
	// ownWindow is what heeler may send of each body before it hears of more room.
	ownWindow = 1 << 20
	// grantBytes is the piece in which room is given back, rather than with every read.
	grantBytes = ownWindow / 4
	// Goroutines are cheap, and most calls wait for somebody else.
	usualConcurrency = 1000
	helloHead        = 12
	leastWindow      = 1 << 16
	greatestWindow   = 1<<31 - 1
)

// greeting is what heeler's HELLO says.
type greeting struct {
	window      uint32
	concurrency uint32
	settings    map[string]string
}

func readHello(f frame) (g greeting, err error) {
	if f.kind != tHello || f.stream != 0 {
		return g, brokenf("a frame of type %d before its HELLO", f.kind)
	}
	if len(f.payload) < helloHead {
		return g, brokenf("a HELLO of %d bytes", len(f.payload))
	}
	if highest := binary.BigEndian.Uint16(f.payload); highest < protocol {
		return g, brokenf("a HELLO of version %d", highest)
	}
	g.window = binary.BigEndian.Uint32(f.payload[4:])
	if g.window < leastWindow || g.window > greatestWindow {
		return g, brokenf("a window of %d bytes, at least %d are needed", g.window, leastWindow)
	}
	g.concurrency = binary.BigEndian.Uint32(f.payload[8:])
	pairs, err := splitPairs(string(f.payload[helloHead:]))
	if err != nil {
		return g, err
	}
	g.settings = make(map[string]string, len(pairs)/2)
	for at := 0; at < len(pairs); at += 2 {
		g.settings[pairs[at]] = pairs[at+1]
	}
	return g, nil
}

// putHello is our answer: the function is loaded and may be called.
func putHello(out []byte, concurrency uint32, function *Function) []byte {
	about := []string{"language", "go", "version", strings.TrimPrefix(runtime.Version(), "go")}
	for _, pair := range [][2]string{{"function", function.Name}, {"style", function.Style}, {"hooks", hooks(function)}} {
		if pair[1] != "" {
			about = append(about, pair[0], pair[1])
		}
	}
	payload := binary.BigEndian.AppendUint16(nil, protocol)
	payload = append(payload, 0, 0)
	payload = binary.BigEndian.AppendUint32(payload, ownWindow)
	payload = binary.BigEndian.AppendUint32(payload, concurrency)
	payload = putPairs(payload, about...)
	return append(putHeader(out, len(payload), tHello, false, 0), payload...)
}

// hooks are the questions of PING that the function answers by itself.
func hooks(function *Function) string {
	var names []string
	if function.Alive != nil {
		names = append(names, "alive")
	}
	if function.Ready != nil {
		names = append(names, "ready")
	}
	return strings.Join(names, " ")
}
