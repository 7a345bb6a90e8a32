// Package worker makes a Go program a warm worker of heeler: it speaks the worker protocol of docs/wire.md over the
// socket that heeler hands it, and calls the program's function for each call, each in a goroutine of its own.
//
//	func main() { worker.Serve(Handle) }
//
// Without heeler (HEELER_FD is not set) Serve is an HTTP server on PORT, so that `go run .` works at a desk.
//
// A call's way through the files: link reads and cuts bytes, serving knows which call a frame belongs to, call, request
// and body make the http.Request, response and head the answer, and link writes what has come together.
package worker
