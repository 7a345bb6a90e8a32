// Package function greets, as the other hello examples do. It has no main: heeler-go-build makes one.
package function

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Handle answers with JSON; the name is taken from the query, or from a JSON body.
func Handle(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" {
		var body struct{ Name string }
		if text, err := io.ReadAll(r.Body); err == nil && json.Unmarshal(text, &body) == nil {
			name = body.Name
		}
	}
	if name == "" {
		name = "World"
	}
	fmt.Println("greeting", name)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"hello": name, "method": r.Method, "path": r.URL.Path})
}
