package funcframework

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"cloud.google.com/go/functions/metadata"
)

const (
	authService      = "firebaseauth.googleapis.com"
	databaseService  = "firebasedatabase.googleapis.com"
	analyticsService = "firebase.googleapis.com"
	firestoreService = "firestore.googleapis.com"
	storageService   = "storage.googleapis.com"
)

type newerType struct{ name, service string }

// newerTypes are the CloudEvents that older events have become.
var newerTypes = map[string]newerType{
	topicPublished: {"google.cloud.pubsub.topic.v1.messagePublished", pubsubService},
	"providers/cloud.pubsub/eventTypes/topic.publish":          {"google.cloud.pubsub.topic.v1.messagePublished", pubsubService},
	"google.storage.object.finalize":                           {"google.cloud.storage.object.v1.finalized", storageService},
	"google.storage.object.delete":                             {"google.cloud.storage.object.v1.deleted", storageService},
	"google.storage.object.archive":                            {"google.cloud.storage.object.v1.archived", storageService},
	"google.storage.object.metadataUpdate":                     {"google.cloud.storage.object.v1.metadataUpdated", storageService},
	"providers/cloud.storage/eventTypes/object.change":         {"google.cloud.storage.object.v1.finalized", storageService},
	"providers/cloud.firestore/eventTypes/document.write":      {"google.cloud.firestore.document.v1.written", firestoreService},
	"providers/cloud.firestore/eventTypes/document.create":     {"google.cloud.firestore.document.v1.created", firestoreService},
	"providers/cloud.firestore/eventTypes/document.update":     {"google.cloud.firestore.document.v1.updated", firestoreService},
	"providers/cloud.firestore/eventTypes/document.delete":     {"google.cloud.firestore.document.v1.deleted", firestoreService},
	"providers/firebase.auth/eventTypes/user.create":           {"google.firebase.auth.user.v1.created", authService},
	"providers/firebase.auth/eventTypes/user.delete":           {"google.firebase.auth.user.v1.deleted", authService},
	"providers/google.firebase.analytics/eventTypes/event.log": {"google.firebase.analytics.log.v1.written", analyticsService},
	"providers/google.firebase.database/eventTypes/ref.create": {"google.firebase.database.ref.v1.created", databaseService},
	"providers/google.firebase.database/eventTypes/ref.write":  {"google.firebase.database.ref.v1.written", databaseService},
	"providers/google.firebase.database/eventTypes/ref.update": {"google.firebase.database.ref.v1.updated", databaseService},
	"providers/google.firebase.database/eventTypes/ref.delete": {"google.firebase.database.ref.v1.deleted", databaseService},
}

// resources are how each service's resources are cut into a resource and a subject.
var resources = map[string]*regexp.Regexp{
	analyticsService: regexp.MustCompile(`^(projects/[^/]+)/(events/[^/]+)$`),
	databaseService:  regexp.MustCompile(`^projects/_/(instances/[^/]+)/(refs/.+)$`),
	firestoreService: regexp.MustCompile(`^(projects/[^/]+/databases/\(default\))/(documents/.+)$`),
	storageService:   regexp.MustCompile(`^(projects/_/buckets/[^/]+)/(objects/.+)$`),
}

// olderTypes is the way back; of two older names the newer one counts.
var olderTypes = func() map[string]string {
	back := map[string]string{}
	for old, newer := range newerTypes {
		if known, twice := back[newer.name]; !twice || strings.HasPrefix(known, "providers/") {
			back[newer.name] = old
		}
	}
	return back
}()

var (
	sourceForm   = regexp.MustCompile(`^//([^/]+)/(.+)`)
	locationPart = regexp.MustCompile(`/locations/[^/]+`)
)

// fromCloudEvent makes an older event of one of Google's CloudEvents in binary form; ok is false for anything else.
func fromCloudEvent(header http.Header, body []byte) (*metadata.Metadata, json.RawMessage, bool, error) {
	old, known := olderTypes[header.Get("Ce-Type")]
	if !known || header.Get("Ce-Source") == "" || header.Get("Ce-Specversion") == "" || header.Get("Ce-Id") == "" {
		return nil, nil, false, nil
	}
	fields := map[string]any{}
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, nil, true, fmt.Errorf("the event's data is no JSON object: %v", err)
	}
	parts := sourceForm.FindStringSubmatch(header.Get("Ce-Source"))
	if parts == nil {
		return nil, nil, true, fmt.Errorf("the event's source %q is not //SERVICE/RESOURCE", header.Get("Ce-Source"))
	}
	about := &metadata.Metadata{EventID: header.Get("Ce-Id"), EventType: old}
	if text := header.Get("Ce-Time"); text != "" {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return nil, nil, true, err
		}
		about.Timestamp = at
	}
	about.Resource, fields = olderResource(parts[1], parts[2], header.Get("Ce-Subject"), fields)
	data, err := json.Marshal(fields)
	return about, data, true, err
}

func olderResource(service, name, subject string, fields map[string]any) (*metadata.Resource, map[string]any) {
	whole := name + "/" + subject
	switch service {
	case pubsubService:
		if message, ok := fields["message"].(map[string]any); ok {
			fields = message
		}
		delete(fields, "messageId")
		delete(fields, "publishTime")
		return &metadata.Resource{Name: name, Service: service, Type: pubsubMessage}, fields
	case authService:
		renameIn(fields["metadata"], "createTime", "createdAt")
		renameIn(fields["metadata"], "lastSignInTime", "lastSignedInAt")
		return &metadata.Resource{RawPath: name}, fields
	case databaseService:
		return &metadata.Resource{RawPath: locationPart.ReplaceAllString(whole, "")}, fields
	case storageService:
		kind, _ := fields["kind"].(string)
		return &metadata.Resource{Name: whole, Service: service, Type: kind}, fields
	}
	return &metadata.Resource{RawPath: whole}, fields
}
