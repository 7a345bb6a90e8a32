// Package shapes is a function of CloudEvents, of the kind that Knative func has.
package shapes

import (
	"context"
	"errors"

	"github.com/cloudevents/sdk-go/v2/event"
)

// Handle answers with the event turned round.
func Handle(_ context.Context, e event.Event) (*event.Event, error) {
	switch e.Type() {
	case "fail":
		return nil, errors.New("secret words")
	case "none":
		return nil, nil
	case "panic":
		panic("secret words")
	}
	back := event.New()
	back.SetID("r-" + e.ID())
	back.SetSource("/go")
	back.SetType(e.Type() + ".back")
	back.SetSubject(e.Subject())
	back.SetExtension("seen", e.Source())
	return &back, back.SetData(e.DataContentType(), e.Data())
}

// Many answers with as many.
func Many(all []event.Event) ([]event.Event, error) {
	var back []event.Event
	for _, e := range all {
		one, err := Handle(context.Background(), e)
		if err != nil {
			return nil, err
		}
		back = append(back, *one)
	}
	return back, nil
}
