"""An event as one of Knative's sources sends it."""

import json

DATA = json.dumps({"message": "x" * 86})
ATTRIBUTES = {"specversion": "1.0", "id": "d8f7b1c2-5a54-4c8e-9d5e-0a7c1f6f2b11", "type": "dev.knative.sources.ping",
              "source": "/apis/v1/namespaces/default/pingsources/every-minute", "time": "2026-05-04T10:31:00.123456Z",
              "subject": "subject"}
STRUCTURED = json.dumps(ATTRIBUTES | {"datacontenttype": "application/json"})[:-1] + f', "data": {DATA}}}'
