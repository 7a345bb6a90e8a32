package funcframework

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"regexp"
	"sync"
	"time"
)

type idsKey struct{}

// ids are what Google's logs know a call by. Most functions do not ask for them: they are made for those that do.
type ids struct {
	trace, span, execution string
	header                 http.Header
	made                   sync.Once
}

var traceContext = regexp.MustCompile(`^([a-f\d]+)?(?:/([a-f\d]+))?`)

func withIDs(ctx context.Context, header http.Header) context.Context {
	return context.WithValue(ctx, idsKey{}, &ids{header: header})
}

func idsOf(ctx context.Context) *ids {
	found, ok := ctx.Value(idsKey{}).(*ids)
	if !ok {
		return &ids{}
	}
	found.made.Do(found.make)
	return found
}

func (i *ids) make() {
	if i.execution = i.header.Get("Function-Execution-Id"); i.execution == "" {
		i.execution = fmt.Sprintf("%06x%06x", time.Now().UnixNano(), rand.Int63())
	}
	if text := i.header.Get("X-Cloud-Trace-Context"); text != "" {
		parts := traceContext.FindStringSubmatch(text)
		i.trace, i.span = parts[1], parts[2]
		if i.span == "0" {
			i.span = ""
		}
	}
}

// TraceIDFromContext is the trace of the call, as its caller named it.
func TraceIDFromContext(ctx context.Context) string { return idsOf(ctx).trace }

// ExecutionIDFromContext is the call's id, its caller's or one of our own.
func ExecutionIDFromContext(ctx context.Context) string { return idsOf(ctx).execution }

// SpanIDFromContext is the span of the call, as its caller named it.
func SpanIDFromContext(ctx context.Context) string { return idsOf(ctx).span }

// LogWriter writes each line as a JSON object on standard error, with the call's ids in it.
func LogWriter(ctx context.Context) io.WriteCloser {
	if ctx.Value(idsKey{}) == nil {
		return os.Stderr
	}
	return &logWriter{ids: idsOf(ctx)}
}

type logWriter struct {
	*ids
	mu   sync.Mutex
	part []byte
}

func (l *logWriter) Write(bytes []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, bytes...)
	return len(bytes), l.lines()
}

func (l *logWriter) lines() error {
	for {
		line, rest, whole := bytes.Cut(l.part, []byte("\n"))
		if !whole {
			return nil
		}
		err := l.print(bytes.TrimSuffix(line, []byte("\r")))
		l.part = append([]byte(nil), rest...)
		if err != nil {
			return err
		}
	}
}

// Close prints a line that has no end.
func (l *logWriter) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.part) == 0 {
		return nil
	}
	part := l.part
	l.part = nil
	return l.print(part)
}

func (l *logWriter) print(line []byte) error {
	entry := struct {
		Message string            `json:"message"`
		Trace   string            `json:"logging.googleapis.com/trace,omitempty"`
		Span    string            `json:"logging.googleapis.com/spanId,omitempty"`
		Labels  map[string]string `json:"logging.googleapis.com/labels,omitempty"`
	}{Message: string(line), Trace: l.trace, Span: l.span}
	if l.execution != "" {
		entry.Labels = map[string]string{"execution_id": l.execution}
	}
	text, err := json.Marshal(entry)
	if err == nil {
		_, err = os.Stderr.Write(append(text, '\n'))
	}
	return err
}
