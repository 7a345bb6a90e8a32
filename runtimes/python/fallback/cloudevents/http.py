"""`from cloudevents.http import CloudEvent`."""

from heeler_worker.fallback_events import CloudEvent

__all__ = ["CloudEvent"]
