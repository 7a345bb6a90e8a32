#!/bin/sh
# Serves examples/hello in the foreground with the binary that `make build` made.
set -eu
. "$(dirname "$0")/env.sh"
port="${PORT:-8080}"
metrics_port="${METRICS_PORT:-8081}"
here="http://127.0.0.1:$port"

cat <<TEXT

heeler serves examples/hello/handler.sh, a process per call. In another terminal, try:

  # a call
  curl '$here/Ada?lang=en' -d 'some text'
  # the health
  curl -i $here/_/health
  # the metrics
  curl -s http://127.0.0.1:$metrics_port/metrics

Ctrl-C ends it.

TEXT
# The variables of the outside must not choose another port than the one printed above.
unset PORT ADDRESS LISTEN_ADDRESS listen
exec env port="$port" metrics_port="$metrics_port" mode=streaming content_type=text/plain \
    fprocess="sh examples/hello/handler.sh" target/heeler
