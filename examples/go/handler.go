// go build -o /tmp/handler examples/go/handler.go && fprocess=/tmp/handler heeler
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	body, _ := io.ReadAll(os.Stdin)
	fmt.Fprintln(os.Stderr, "counting for", os.Getenv("Http_Path"))
	fmt.Printf("%s %s: %d bytes\n", os.Getenv("Http_Method"), os.Getenv("Http_Path"), len(body))
}
