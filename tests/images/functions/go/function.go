// Package function is what the tests of images ask of a function: its body back, or more memory than there is.
package function

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Handle gives the body back.
func Handle(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/eat" {
		fmt.Fprint(w, len(bytes.Repeat([]byte("x"), 200_000_000)))
		return
	}
	io.Copy(w, r.Body)
}
