package funcframework

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"cloud.google.com/go/functions/metadata"
)

// Google's older events: JSON with `data` and `context`, with the context's fields beside the data, or as Pub/Sub pushes
// its messages.

const (
	topicPublished = "google.pubsub.topic.publish"
	pubsubService  = "pubsub.googleapis.com"
	pubsubMessage  = "type.googleapis.com/google.pubsub.v1.PubsubMessage"
)

// older is any of the three.
type older struct {
	Context *metadata.Metadata `json:"context"`
	Data    json.RawMessage    `json:"data"`
	Domain  string             `json:"domain"`
	Message *struct {
		ID         string            `json:"messageId"`
		Data       []byte            `json:"data"`
		Attributes map[string]string `json:"attributes"`
		Published  time.Time         `json:"publishTime"`
	} `json:"message"`
}

// readOlder gives no context where the body is no such event.
func readOlder(body []byte, path string) (older, error) {
	var o older
	if err := json.Unmarshal(body, &o); err != nil {
		return o, err
	}
	if o.Data == nil && o.Context == nil && o.Message != nil {
		return o, o.pushed(path)
	}
	if o.Data == nil || string(o.Data) == "null" {
		o.Context = nil
		return o, nil
	}
	if o.Context == nil {
		var flat metadata.Metadata
		if err := json.Unmarshal(body, &flat); err != nil {
			return o, err
		}
		if flat.EventID != "" {
			o.Context = &flat
		}
	}
	return o, nil
}

var topicPath = regexp.MustCompile(`projects/[^/?]+/topics/[^/?]+`)

// pushed makes the usual form of what Pub/Sub pushes, whose topic is in the path if it is known at all.
func (o *older) pushed(path string) (err error) {
	at := o.Message.Published
	if at.IsZero() {
		at = time.Now()
	}
	o.Context = &metadata.Metadata{
		EventID: o.Message.ID, Timestamp: at, EventType: topicPublished,
		Resource: &metadata.Resource{Name: topicPath.FindString(path), Type: pubsubMessage, Service: pubsubService},
	}
	o.Data, err = json.Marshal(map[string]any{"@type": pubsubMessage, "data": o.Message.Data, "attributes": o.Message.Attributes})
	return err
}

// backgroundOf is what a function of the older kind gets: the event's context and data, or the body and no context.
func backgroundOf(r *http.Request) (*metadata.Metadata, json.RawMessage, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil, err
	}
	if about, data, ok, err := fromCloudEvent(r.Header, body); ok || err != nil {
		return about, data, err
	}
	o, err := readOlder(body, r.URL.Path)
	if err != nil {
		return nil, nil, err
	}
	if o.Context == nil {
		return nil, body, nil
	}
	return o.Context, o.Data, nil
}

// cloudEventOf makes a CloudEvent in its JSON form of a request with an older event.
func cloudEventOf(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	o, err := readOlder(body, r.URL.Path)
	if err != nil {
		return nil, err
	}
	if o.Context == nil {
		return nil, errors.New("the request is neither a CloudEvent nor an older event")
	}
	newer, known := newerTypes[o.Context.EventType]
	if !known {
		return nil, fmt.Errorf("no CloudEvent has the type %q", o.Context.EventType)
	}
	return json.Marshal(o.converted(newer))
}

// converted are the attributes and data of the CloudEvent.
func (o *older) converted(newer newerType) map[string]any {
	service, resource := newer.service, ""
	if o.Context.Resource != nil {
		if o.Context.Resource.Service != "" {
			service = o.Context.Resource.Service
		}
		if resource = o.Context.Resource.Name; resource == "" {
			resource = o.Context.Resource.RawPath
		}
	}
	resource, subject := parted(service, resource)
	e := map[string]any{
		"specversion": "1.0", "id": o.Context.EventID, "time": o.Context.Timestamp, "type": newer.name,
		"datacontenttype": "application/json", "data": o.Data,
	}
	fields := map[string]any{}
	isObject := json.Unmarshal(o.Data, &fields) == nil
	switch service {
	case pubsubService:
		fields["messageId"], fields["publishTime"] = o.Context.EventID, o.Context.Timestamp
		e["data"] = map[string]any{"message": fields}
	case authService:
		renameIn(fields["metadata"], "createdAt", "createTime")
		renameIn(fields["metadata"], "lastSignedInAt", "lastSignInTime")
		if id, ok := fields["uid"]; ok {
			subject = fmt.Sprintf("users/%v", id)
		}
		if isObject {
			e["data"] = fields
		}
	case databaseService:
		resource = "projects/_/locations/" + location(o.Domain) + "/" + resource
	}
	e["source"] = "//" + service + "/" + resource
	if subject != "" {
		e["subject"] = subject
	}
	return e
}

// location is where a database is, by its domain's first word.
func location(domain string) string {
	first, _, more := strings.Cut(domain, ".")
	if domain == "firebaseio.com" || !more {
		return "us-central1"
	}
	return first
}

// parted cuts an older resource into the resource and the subject of a CloudEvent.
func parted(service, resource string) (string, string) {
	if form, ok := resources[service]; ok {
		if parts := form.FindStringSubmatch(resource); parts != nil {
			return parts[1], parts[2]
		}
	}
	return resource, ""
}

func renameIn(object any, from, to string) {
	fields, _ := object.(map[string]any)
	if value, ok := fields[from]; ok {
		delete(fields, from)
		fields[to] = value
	}
}
