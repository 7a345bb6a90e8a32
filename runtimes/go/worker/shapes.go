package worker

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"strings"
)

// Adapter makes a handler of a function whose shape it knows; nil, nil if it does not know it.
type Adapter func(fn any) (http.Handler, error)

const shapes = `
  http.Handler, func(http.ResponseWriter, *http.Request)
  func([]byte) ([]byte, error), func(context.Context, []byte) ([]byte, error)
  a value with a method Handle of any of these shapes, or a func() that makes one; its methods Start, Stop, Alive and Ready are used`

// Adapt makes a Function of any shape that is known here or to an adapter.
func Adapt(fn any, adapters ...Adapter) (*Function, error) {
	function, err := adapt(fn, adapters)
	if err == nil && function == nil {
		err = fmt.Errorf("a function of type %T cannot be served; these can:%s%s", fn, shapes, hints(adapters))
	}
	return function, err
}

func adapt(fn any, adapters []Adapter) (*Function, error) {
	handler, style := builtIn(fn)
	for at := 0; handler == nil && at < len(adapters); at++ {
		var err error
		if handler, err = adapters[at](fn); err != nil {
			return nil, err
		}
		style = "adapted"
	}
	if handler != nil {
		return &Function{Handler: handler, Name: nameOf(fn), Style: style}, nil
	}
	return instance(fn, adapters)
}

func builtIn(fn any) (http.Handler, string) {
	switch fn := fn.(type) {
	case http.Handler:
		return fn, "http"
	case func(http.ResponseWriter, *http.Request):
		return http.HandlerFunc(fn), "http"
	case func([]byte) ([]byte, error):
		return bytesHandler(func(_ context.Context, in []byte) ([]byte, error) { return fn(in) }), "bytes"
	case func(context.Context, []byte) ([]byte, error):
		return bytesHandler(fn), "bytes"
	}
	return nil, ""
}

// instance is a value with a Handle, or what makes one: Knative's instanced functions.
func instance(fn any, adapters []Adapter) (*Function, error) {
	value := reflect.ValueOf(fn)
	if !value.IsValid() {
		return nil, nil
	}
	if kind := value.Type(); kind.Kind() == reflect.Func && !value.IsNil() && kind.NumIn() == 0 && kind.NumOut() == 1 {
		if _, has := kind.Out(0).MethodByName("Handle"); has || kind.Out(0).Kind() == reflect.Interface {
			return instance(value.Call(nil)[0].Interface(), adapters)
		}
	}
	handle := value.MethodByName("Handle")
	if !handle.IsValid() {
		return nil, nil
	}
	function, err := adapt(handle.Interface(), adapters)
	if function == nil {
		return nil, err
	}
	function.Name, function.Style = fmt.Sprintf("%T.Handle", fn), "func"
	if has, ok := fn.(interface {
		Start(context.Context, map[string]string) error
	}); ok {
		function.Start = has.Start
	}
	if has, ok := fn.(interface{ Stop(context.Context) error }); ok {
		function.Stop = has.Stop
	}
	if has, ok := fn.(interface {
		Alive(context.Context) (bool, error)
	}); ok {
		function.Alive = has.Alive
	}
	if has, ok := fn.(interface {
		Ready(context.Context) (bool, error)
	}); ok {
		function.Ready = has.Ready
	}
	return function, nil
}

// bytesHandler takes a body whole and answers with another; an error is the call's.
type bytesHandler func(context.Context, []byte) ([]byte, error)

func (h bytesHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	out, err := h(r.Context(), in)
	if err != nil {
		Raise(w, r, err)
		return
	}
	_, _ = w.Write(out)
}

// Raise ends a call with an error of the function's: heeler answers with 500 and logs it. Without heeler both happen
// here.
func Raise(w http.ResponseWriter, r *http.Request, err error) {
	if c, ok := r.Context().Value(CallKey).(*call); ok {
		c.fail(&fault{kind: raised, name: fmt.Sprintf("%T", err), message: err.Error()})
		return
	}
	complain(err.Error())
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

// nameOf is a function's name as it stands in its source.
func nameOf(fn any) string {
	value := reflect.ValueOf(fn)
	if value.Kind() != reflect.Func {
		return fmt.Sprintf("%T", fn)
	}
	name := runtime.FuncForPC(value.Pointer()).Name()
	return strings.TrimSuffix(name[strings.LastIndexByte(name, '/')+1:], "-fm")
}

// hints are what the adapters say of the shapes that they take: they are asked with nil.
func hints(adapters []Adapter) string {
	var said strings.Builder
	for _, adapter := range adapters {
		if _, err := adapter(nil); err != nil {
			said.WriteString("\n  " + err.Error())
		}
	}
	return said.String()
}
