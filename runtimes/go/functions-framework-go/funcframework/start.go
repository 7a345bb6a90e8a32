package funcframework

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/internal/registry"
	"github.com/GoogleCloudPlatform/functions-framework-go/internal/worker"
)

// Start serves what was registered on a port of all addresses; where heeler has started the program it serves heeler.
func Start(port string) error { return StartHostPort("", port) }

// StartHostPort is Start for one address.
func StartHostPort(hostname, port string) error {
	return worker.Run(load, hostname+":"+port)
}

func load(settings worker.Settings) (*worker.Function, error) {
	target := os.Getenv("FUNCTION_TARGET")
	if target == "" {
		target = settings["handler"]
	}
	handler, err := serving(target)
	if err != nil {
		return nil, err
	}
	return &worker.Function{Handler: handler, Name: target, Style: "functions-framework"}, nil
}

// serving is the target alone at every path, or without one each function at its own.
func serving(target string) (http.Handler, error) {
	mux := http.NewServeMux()
	if target != "" {
		f, err := registry.Target(target)
		if err != nil {
			return nil, err
		}
		handler, err := wrap(f)
		if err != nil {
			return nil, fmt.Errorf("failed to serve function %q: %v", target, err)
		}
		mux.Handle("/", handler)
		return mux, nil
	}
	all := registry.All()
	if len(all) == 0 {
		return nil, errors.New("no function is registered: functions.HTTP, functions.CloudEvent and functions.Typed do that, in an init function")
	}
	for _, f := range all {
		handler, err := wrap(f)
		if err != nil {
			return nil, fmt.Errorf("failed to serve function at path %q: %v", f.Path, err)
		}
		mux.Handle(f.Path, handler)
	}
	return mux, nil
}

func wrap(f *registry.Function) (http.Handler, error) {
	switch {
	case f.HTTP != nil:
		return requests(f.HTTP), nil
	case f.CloudEvent != nil:
		return cloudEvents(f.CloudEvent)
	case f.Event != nil:
		return background(f.Event)
	case f.Typed != nil:
		return typed(f.Typed)
	}
	return nil, errors.New("the function is nil")
}
