package worker

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// lastCalls is how long a server at a desk waits for its open calls when it is ended.
const lastCalls = 10 * time.Second

// Serve runs a function until heeler ends the worker, and ends the program then. fn is one of the shapes that Adapt
// takes; adapters know more of them. Without heeler it serves HTTP on PORT (8080).
func Serve(fn any, adapters ...Adapter) {
	err := Run(func(Settings) (*Function, error) { return Adapt(fn, adapters...) }, "")
	fmt.Fprintln(os.Stderr, err)
	os.Exit(exitNotLoaded)
}

// Run is Serve for those who choose their function by heeler's settings. It comes back only with an error, and only
// without heeler; address is where to listen then, ":PORT" if it is empty.
func Run(load func(Settings) (*Function, error), address string) error {
	fd, err := descriptor()
	if err != nil {
		complain(err.Error())
		os.Exit(exitBroken)
	}
	if fd >= 0 {
		os.Exit(run(fd, load))
	}
	function, err := load(Settings{})
	if err != nil {
		return err
	}
	return listen(function, address)
}

// listen is net/http's server, for a desk.
func listen(function *Function, address string) error {
	if err := function.start(); err != nil {
		return err
	}
	if address == "" {
		port := os.Getenv("PORT")
		if port == "" {
			port = "8080"
		}
		address = ":" + port
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: function}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		ctx, cancel := context.WithTimeout(context.Background(), lastCalls)
		defer cancel()
		_ = server.Shutdown(ctx)
		os.Exit(function.stop())
	}()
	err = server.Serve(listener)
	if err == http.ErrServerClosed {
		select {} // until the goroutine above has ended the program
	}
	return err
}
