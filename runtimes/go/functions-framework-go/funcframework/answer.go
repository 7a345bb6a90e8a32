package funcframework

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

const (
	statusHeader = "X-Google-Status"
	crash        = "crash"
	failure      = "error"
	panicked     = "A panic occurred during user function execution. Please see logs for more details."
)

// answerError says the cause to the log, and to the caller no more than that there was one.
func answerError(w http.ResponseWriter, r *http.Request, status int, sign, cause string) {
	say(r, cause)
	w.Header().Set(statusHeader, sign)
	w.WriteHeader(status)
	fmt.Fprintln(w, http.StatusText(status))
}

// recovered answers for a function that panicked; it stands in a defer.
func recovered(w http.ResponseWriter, r *http.Request) {
	reason := recover()
	if reason == nil {
		return
	}
	if reason == http.ErrAbortHandler {
		panic(reason)
	}
	say(r, fmt.Sprintf("%s\npanic message: %v\nstack trace: %s", panicked, reason, debug.Stack()))
	w.Header().Set(statusHeader, crash)
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintln(w, panicked)
}

// say prints for the call that it is about: under heeler the line has its id.
func say(r *http.Request, text string) {
	const level = 3
	if c, ok := r.Context().Value("heeler.call").(interface{ Log(int, string) }); ok {
		c.Log(level, text)
		return
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	fmt.Fprint(os.Stderr, text)
}

// prepared gives a request the ids for logs, and the deadline that the environment sets.
func prepared(r *http.Request) (*http.Request, func()) {
	ctx, cancel := limited(r.Context())
	return r.WithContext(withIDs(ctx, r.Header)), cancel
}

func limited(ctx context.Context) (context.Context, func()) {
	text := os.Getenv("CLOUD_RUN_TIMEOUT_SECONDS")
	if text == "" {
		return ctx, func() {}
	}
	seconds, err := strconv.Atoi(text)
	if err != nil {
		fmt.Fprintf(os.Stderr, "CLOUD_RUN_TIMEOUT_SECONDS is %q, which is no number of seconds\n", text)
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
}
