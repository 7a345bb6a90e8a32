package worker

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// The frames of docs/wire.md: their numbers, and how fields lie in bytes.

const (
	protocol    = 1
	headerBytes = 12
	maxPayload  = 262144
	flagLast    = 1
	// Types from here on may be passed over by whoever does not know them.
	optional      = 128
	largestStream = 1<<31 - 1
	unknownLength = 1<<64 - 1
)

const (
	tHello byte = iota + 1
	tCall
	tData
	tEnd
	tReply
	tError
	tCancel
	tCancelled
	tWindow
	tPing
	tPong
	tLog
	tBye
)

// What kind of failure an ERROR tells.
const (
	raised    byte = 0
	crashed   byte = 1
	notLoaded byte = 3
)

// broken says what the other side did that the protocol does not allow: there is no way to go on with it.
type broken string

func (b broken) Error() string { return string(b) }

func brokenf(format string, args ...any) broken { return broken(fmt.Sprintf(format, args...)) }

// frame is one that came, where it lies in the read buffer.
type frame struct {
	kind    byte
	last    bool
	stream  uint32
	payload []byte
}

// cut takes the next whole frame from the front of bytes. It needs more of them where used is 0; then need says how many
// there have to be in all, as far as that is known.
func cut(bytes []byte) (f frame, used, need int, err error) {
	if len(bytes) < headerBytes {
		return f, 0, headerBytes, nil
	}
	length := binary.BigEndian.Uint32(bytes)
	if length > maxPayload {
		return f, 0, 0, brokenf("a frame of %d bytes, at most %d are allowed", length, maxPayload)
	}
	end := headerBytes + int(length)
	if len(bytes) < end {
		return f, 0, end, nil
	}
	f = frame{kind: bytes[4], last: bytes[5] == flagLast, stream: binary.BigEndian.Uint32(bytes[8:]), payload: bytes[headerBytes:end:end]}
	if f.kind >= optional {
		return f, end, 0, nil
	}
	switch {
	case f.kind < tHello || f.kind > tBye:
		err = brokenf("a frame of type %d", f.kind)
	case bytes[5] > flagLast:
		err = brokenf("a frame of type %d with flags %d, only %d is known", f.kind, bytes[5], flagLast)
	case bytes[6] != 0 || bytes[7] != 0:
		err = brokenf("a frame of type %d whose bytes 6 and 7 are not zero", f.kind)
	case f.stream > largestStream:
		err = brokenf("a frame on stream %d", f.stream)
	}
	return f, end, 0, err
}

func putHeader(out []byte, length int, kind byte, last bool, stream uint32) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(length))
	flags := byte(0)
	if last {
		flags = flagLast
	}
	out = append(out, kind, flags, 0, 0)
	return binary.BigEndian.AppendUint32(out, stream)
}

// putField appends a text and its NUL; no field may hold another one, it would shift all that follow.
func putField(out []byte, text string) []byte {
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "\ufffd")
	}
	out = append(out, text...)
	return append(out, 0)
}

func putPairs(out []byte, pairs ...string) []byte {
	for _, text := range pairs {
		out = putField(out, text)
	}
	return out
}

// nextField takes the field at the front; ok is false where there is no NUL any more.
func nextField(fields string) (field, rest string, ok bool) {
	end := strings.IndexByte(fields, 0)
	if end < 0 {
		return "", "", false
	}
	return fields[:end], fields[end+1:], true
}

// splitFields are all of them, which have to come out even.
func splitFields(fields string) ([]string, error) {
	found := make([]string, 0, strings.Count(fields, "\x00"))
	for fields != "" {
		field, rest, ok := nextField(fields)
		if !ok {
			return nil, broken("a field that does not end with NUL")
		}
		found = append(found, field)
		fields = rest
	}
	return found, nil
}

func splitPairs(fields string) ([]string, error) {
	found, err := splitFields(fields)
	if err == nil && len(found)%2 != 0 {
		err = brokenf("%d fields where pairs are expected", len(found))
	}
	return found, err
}
