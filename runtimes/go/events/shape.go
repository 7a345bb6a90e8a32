package events

import (
	"context"
	"errors"
	"reflect"

	"github.com/cloudevents/sdk-go/v2/event"
)

var errShapes = errors.New(`functions of CloudEvents: any of (), (ctx), (event), (ctx, event) with any of (), error, *event, (*event, error) as the result,
  an event result only where an event is taken; []event.Event in place of one event takes batches (batch=whole)`)

var (
	contextType = reflect.TypeOf((*context.Context)(nil)).Elem()
	errorType   = reflect.TypeOf((*error)(nil)).Elem()
	eventType   = reflect.TypeOf(event.Event{})
	pointerType = reflect.TypeOf((*event.Event)(nil))
	listType    = reflect.TypeOf([]event.Event(nil))
)

// function is a user's function, and what it takes and gives.
type function struct {
	call reflect.Value
	// Indices of parameters and results, -1 where there is none.
	context, event, list     int
	gives, givesList, failed int
}

// result is what a function gave.
type result struct {
	event *event.Event
	list  []event.Event
	err   error
}

// shaped is nil for what is no function of events.
func shaped(fn any) *function {
	value := reflect.ValueOf(fn)
	if !value.IsValid() || value.Kind() != reflect.Func || value.Type().IsVariadic() {
		return nil
	}
	f := &function{call: value, context: -1, event: -1, list: -1, gives: -1, givesList: -1, failed: -1}
	kind := value.Type()
	if !f.takes(kind) || !f.returns(kind) || (f.gives >= 0 && f.event < 0) || (f.givesList >= 0 && f.list < 0) {
		return nil
	}
	return f
}

func (f *function) takes(kind reflect.Type) bool {
	for at := 0; at < kind.NumIn(); at++ {
		switch one := kind.In(at); {
		case one == contextType && at == 0:
			f.context = at
		case one == eventType && at == kind.NumIn()-1:
			f.event = at
		case one == listType && at == kind.NumIn()-1:
			f.list = at
		default:
			return false
		}
	}
	return true
}

func (f *function) returns(kind reflect.Type) bool {
	for at := 0; at < kind.NumOut(); at++ {
		switch one := kind.Out(at); {
		case one == pointerType && at == 0:
			f.gives = at
		case one == listType && at == 0:
			f.givesList = at
		case one.Implements(errorType) && at == kind.NumOut()-1:
			f.failed = at
		default:
			return false
		}
	}
	return true
}

func (f *function) with(ctx context.Context, one event.Event, all []event.Event) (given result) {
	in := make([]reflect.Value, f.call.Type().NumIn())
	if f.context >= 0 {
		in[f.context] = reflect.ValueOf(ctx)
	}
	if f.event >= 0 {
		in[f.event] = reflect.ValueOf(one)
	}
	if f.list >= 0 {
		in[f.list] = reflect.ValueOf(all)
	}
	out := f.call.Call(in)
	if f.gives >= 0 {
		given.event, _ = out[f.gives].Interface().(*event.Event)
	}
	if f.givesList >= 0 {
		given.list, _ = out[f.givesList].Interface().([]event.Event)
	}
	if f.failed >= 0 {
		given.err, _ = out[f.failed].Interface().(error)
	}
	return given
}
