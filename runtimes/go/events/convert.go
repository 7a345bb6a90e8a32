package events

import (
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// from makes an event of decoded attributes, names and values in turn, and of its data.
func from(attributes []string, data []byte) (event.Event, error) {
	version := event.CloudEventsVersionV1
	for at := 0; at < len(attributes); at += 2 {
		if attributes[at] == "specversion" {
			version = attributes[at+1]
		}
	}
	e := event.New(version)
	for at := 0; at < len(attributes); at += 2 {
		switch name, value := attributes[at], attributes[at+1]; name {
		case "specversion":
		case "id":
			e.SetID(value)
		case "source":
			e.SetSource(value)
		case "type":
			e.SetType(value)
		case "subject":
			e.SetSubject(value)
		case "dataschema":
			e.SetDataSchema(value)
		case "datacontenttype":
			e.SetDataContentType(value)
		case "time":
			moment, err := types.ParseTime(value)
			if err != nil {
				return e, err
			}
			e.SetTime(moment)
		default:
			e.SetExtension(name, value)
		}
	}
	if len(data) > 0 {
		e.DataEncoded = data
	}
	return e, e.Validate()
}

// pairs are an event's attributes as heeler takes them.
func pairs(e *event.Event) ([]string, error) {
	all := []string{"specversion", e.SpecVersion(), "id", e.ID(), "source", e.Source(), "type", e.Type()}
	for _, pair := range [][2]string{
		{"subject", e.Subject()}, {"dataschema", e.DataSchema()}, {"datacontenttype", e.DataContentType()},
	} {
		if pair[1] != "" {
			all = append(all, pair[0], pair[1])
		}
	}
	if !e.Time().IsZero() {
		all = append(all, "time", types.FormatTime(e.Time()))
	}
	for name, value := range e.Extensions() {
		text, err := types.Format(value)
		if err != nil {
			return nil, err
		}
		all = append(all, name, text)
	}
	return all, nil
}
