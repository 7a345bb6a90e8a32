// Package registry keeps the functions that a program has registered, until one of them or all are served.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sort"

	"github.com/cloudevents/sdk-go/v2/event"
)

// Function is a registered one: exactly one of its kinds is set.
type Function struct {
	Name, Path string
	HTTP       func(http.ResponseWriter, *http.Request)
	CloudEvent func(context.Context, event.Event) error
	// Event takes a context and a value of its own type, Typed a value alone.
	Event, Typed any
}

var (
	byName  = map[string]*Function{}
	unnamed []*Function
)

// Add registers a function by its name, or by its path if it has none.
func Add(f Function) error {
	if f.Name == "" && f.Path == "" {
		return errors.New("either the function path or the function name should be specified")
	}
	if f.Name == "" {
		unnamed = append(unnamed, &f)
		return nil
	}
	if _, twice := byName[f.Name]; twice {
		return fmt.Errorf("function name already registered: %q", f.Name)
	}
	if f.Path == "" {
		f.Path = "/" + f.Name
	}
	byName[f.Name] = &f
	return nil
}

// Target is the function of that name, else the last one that has no name.
func Target(name string) (*Function, error) {
	if f, ok := byName[name]; ok {
		return f, nil
	}
	if len(unnamed) > 0 {
		return unnamed[len(unnamed)-1], nil
	}
	return nil, fmt.Errorf("no matching function found with name: %q; registered are: %q", name, Names())
}

// All are those without a name, then the others by their names.
func All() []*Function {
	all := append([]*Function(nil), unnamed...)
	for _, name := range Names() {
		all = append(all, byName[name])
	}
	return all
}

// Names are those that functions were registered with.
func Names() []string {
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
