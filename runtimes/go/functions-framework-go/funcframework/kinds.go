package funcframework

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"

	"cloud.google.com/go/functions/metadata"
	"github.com/GoogleCloudPlatform/functions-framework-go/internal/events"
	"github.com/cloudevents/sdk-go/v2/event"
)

var (
	errorType   = reflect.TypeOf((*error)(nil)).Elem()
	contextType = reflect.TypeOf((*context.Context)(nil)).Elem()
)

func requests(fn func(http.ResponseWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, cancel := prepared(r)
		defer cancel()
		defer recovered(w, r)
		fn(w, r)
	})
}

// cloudEvents takes Google's older events, too: what is none of either is 400.
func cloudEvents(fn func(context.Context, event.Event) error) (http.Handler, error) {
	handler, err := events.Adapt(fn)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Ce-Id") == "" && !strings.Contains(r.Header.Get("Content-Type"), "cloudevents") {
			document, err := cloudEventOf(r)
			if err != nil {
				answerError(w, r, http.StatusBadRequest, crash, err.Error())
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(document))
			r.ContentLength = int64(len(document))
			r.Header.Set("Content-Type", event.ApplicationCloudEventsJSON)
		}
		ctx, cancel := limited(r.Context())
		defer cancel()
		handler.ServeHTTP(w, r.WithContext(ctx))
	}), nil
}

// background is a function of a context and a value: of an older event's data, or else of the body.
func background(fn any) (http.Handler, error) {
	value := reflect.ValueOf(fn)
	kind := value.Type()
	if kind.Kind() != reflect.Func || kind.NumIn() != 2 || !contextType.AssignableTo(kind.In(0)) || kind.NumOut() != 1 || !kind.Out(0).AssignableTo(errorType) {
		return nil, fmt.Errorf("expected a function func(context.Context, T) error, not %T", fn)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, cancel := prepared(r)
		defer cancel()
		about, data, err := backgroundOf(r)
		if err != nil {
			answerError(w, r, http.StatusBadRequest, crash, err.Error())
			return
		}
		ctx := r.Context()
		if about != nil {
			ctx = metadata.NewContext(ctx, about)
		}
		in := reflect.New(kind.In(1))
		if err := json.Unmarshal(data, in.Interface()); err != nil {
			answerError(w, r, http.StatusBadRequest, crash, fmt.Sprintf("%v, while converting event data", err))
			return
		}
		defer recovered(w, r)
		out := value.Call([]reflect.Value{reflect.ValueOf(ctx), in.Elem()})
		if err, _ := out[0].Interface().(error); err != nil {
			answerError(w, r, http.StatusInternalServerError, failure, "Function error: "+err.Error())
		}
	}), nil
}

// typed is a function of a value.
func typed(fn any) (http.Handler, error) {
	value := reflect.ValueOf(fn)
	kind := value.Type()
	if kind.Kind() != reflect.Func || kind.NumIn() != 1 {
		return nil, fmt.Errorf("expected a function of one parameter, not %T", fn)
	}
	if results := kind.NumOut(); results > 2 || results > 0 && !kind.Out(results-1).AssignableTo(errorType) {
		return nil, errors.New("expected at most two results, of which the last is an error")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		in := reflect.New(kind.In(0))
		if err == nil {
			err = json.Unmarshal(body, in.Interface())
		}
		if err != nil {
			answerError(w, r, http.StatusBadRequest, crash, fmt.Sprintf("Error while converting input data. %v", err))
			return
		}
		defer recovered(w, r)
		answerTyped(w, r, value.Call([]reflect.Value{in.Elem()}))
	}), nil
}

func answerTyped(w http.ResponseWriter, r *http.Request, out []reflect.Value) {
	if len(out) == 0 {
		return
	}
	if err, _ := out[len(out)-1].Interface().(error); err != nil {
		answerError(w, r, http.StatusInternalServerError, failure, "Function error: "+err.Error())
		return
	}
	if len(out) == 1 {
		return
	}
	text, err := json.Marshal(out[0].Interface())
	if err != nil {
		answerError(w, r, http.StatusInternalServerError, failure, err.Error())
		return
	}
	_, _ = w.Write(text)
}
