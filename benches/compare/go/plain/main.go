// The function under net/http's own server.
package main

import (
	"log"
	"net/http"
	"os"

	"heeler.test/bench/function"
)

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(function.Handle)))
}
