package worker

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"mime"
	"strings"
	"unicode/utf8"
)

// BatchType is the media type of many events in one JSON array.
const BatchType = "application/cloudevents-batch+json"

// eventSizes are the lengths of an event's attributes and of its data.
const eventSizes = 8

// gather reads a batch, of which nothing can be said before its end. False if there is nobody left to answer.
func (c *call) gather() bool {
	raw, err := io.ReadAll(&c.body)
	if err != nil {
		c.fail(&fault{kind: raised, name: "body", message: err.Error()})
		return false
	}
	if c.batch, err = splitBatch(raw, c.number); err != nil {
		c.serving.broke(err)
		return false
	}
	return true
}

func splitBatch(raw []byte, count int) ([]event, error) {
	var events []event
	for len(events) < count {
		if len(raw) < eventSizes {
			return nil, broken("a batch of fewer events than it says")
		}
		fields, data := uint64(binary.BigEndian.Uint32(raw)), uint64(binary.BigEndian.Uint32(raw[4:]))
		raw = raw[eventSizes:]
		if fields+data > uint64(len(raw)) {
			return nil, broken("an event that is longer than its batch")
		}
		attributes, err := splitPairs(string(raw[:fields]))
		if err != nil {
			return nil, err
		}
		events = append(events, event{attributes, raw[fields : fields+data : fields+data]})
		raw = raw[fields+data:]
	}
	if len(raw) > 0 {
		return nil, broken("a batch that goes on behind its last event")
	}
	return events, nil
}

// array is a batch as it came over HTTP, for functions that read requests. It is made when somebody reads it.
func (c *call) array() io.ReadCloser { return &array{call: c} }

type array struct {
	call *call
	rest *bytes.Reader
}

func (a *array) Read(to []byte) (int, error) {
	if a.rest == nil {
		a.rest = bytes.NewReader(writeBatch(a.call.batch))
	}
	return a.rest.Read(to)
}

func (a *array) Close() error { return nil }

func writeBatch(events []event) []byte {
	out := []byte{'['}
	for at, one := range events {
		if at > 0 {
			out = append(out, ',')
		}
		out = one.write(out)
	}
	return append(out, ']')
}

func (e event) write(out []byte) []byte {
	kind := "application/json"
	out = append(out, '{')
	for at := 0; at < len(e.attributes); at += 2 {
		if at > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, text(e.attributes[at])...), ':'), text(e.attributes[at+1])...)
		if e.attributes[at] == "datacontenttype" {
			kind = e.attributes[at+1]
		}
	}
	if len(e.data) > 0 {
		out = append(out, ',')
		out = writeData(out, kind, e.data)
	}
	return append(out, '}')
}

// writeData is data as a JSON value: its own text where it is JSON, text where it is that, else base64.
func writeData(out []byte, kind string, data []byte) []byte {
	media, params, _ := mime.ParseMediaType(kind)
	charset := strings.ToLower(params["charset"])
	switch {
	case (strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")) && utf8.Valid(data) && json.Valid(data):
		return append(append(out, `"data":`...), bytes.TrimSpace(data)...)
	case (strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "/xml") || strings.HasSuffix(media, "+xml")) &&
		(charset == "" || charset == "utf-8" || charset == "us-ascii") && utf8.Valid(data):
		return append(append(out, `"data":`...), text(string(data))...)
	}
	out = append(out, `"data_base64":"`...)
	out = append(out, base64.StdEncoding.EncodeToString(data)...)
	return append(out, '"')
}

// text is a JSON string, with nothing escaped that need not be.
func text(value string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
