package worker

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// Function is what is served: a handler, and what it has beside it.
type Function struct {
	http.Handler
	// Name and Style are for the log.
	Name, Style string
	// Concurrency is how many calls it takes at once; 0 leaves it to the worker.
	Concurrency uint32
	// Start is called before the first call with the environment and the `cfg` file's settings, Stop behind the last.
	Start func(ctx context.Context, settings map[string]string) error
	Stop  func(ctx context.Context) error
	// Alive and Ready answer probes.
	Alive, Ready func(ctx context.Context) (bool, error)
}

func (f *Function) start() error {
	if f.Start == nil {
		return nil
	}
	settings, err := environment("cfg")
	if err == nil {
		err = f.Start(context.Background(), settings)
	}
	if err != nil {
		return &fault{kind: notLoaded, name: "start", message: fmt.Sprintf("the function's Start failed: %v", err)}
	}
	return nil
}

// stop says the exit code that the stop hook makes.
func (f *Function) stop() int {
	if f.Stop == nil {
		return 0
	}
	if err := f.Stop(context.Background()); err != nil {
		complain(fmt.Sprintf("the function's Stop failed: %v", err))
		return 1
	}
	return 0
}

// environment is all variables, over those of a file of NAME=VALUE lines if it is there.
func environment(file string) (map[string]string, error) {
	settings := make(map[string]string)
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for at, line := range strings.Split(string(text), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("%s, line %d: %q is not NAME=VALUE", file, at+1, line)
		}
		settings[strings.TrimSpace(name)] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	for _, variable := range os.Environ() {
		if name, value, ok := strings.Cut(variable, "="); ok {
			settings[name] = value
		}
	}
	return settings, nil
}
