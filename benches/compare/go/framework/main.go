// The function under Google's functions-framework, or under what stands in its place.
package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"heeler.test/bench/function"
)

func init() { functions.HTTP("f", function.Handle) }

func main() {
	log.Fatal(funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")))
}
