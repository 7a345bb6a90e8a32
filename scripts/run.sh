#!/bin/sh
# Serves the function in the folder FUNCTION in the foreground with the binary that `make build` made.
set -eu
. "$(dirname "$0")/env.sh"
function="${FUNCTION:-examples/hello}"
port="${PORT:-8080}"
metrics_port="${METRICS_PORT:-8081}"
here="http://127.0.0.1:$port"

if [ ! -d "$function" ]; then
    echo "FUNCTION=$function is no folder: name one with a function.py or a function.js in it" >&2
    exit 64
fi
# A language that a machine has in a place of its own is not installed again.
case "$(ls "$function")" in
*.py*) scripts/need.sh python3 ;;
*.js*) scripts/need.sh node ;;
esac

cat <<TEXT

heeler serves the function in $function, loaded once and kept warm. In another terminal, try:

  # a call
  curl '$here/?name=Ada'
  # the same name, as JSON
  curl $here/ -d '{"name": "Grace"}'
  # the health
  curl -i $here/_/health
  # the metrics
  curl -s http://127.0.0.1:$metrics_port/metrics

Ctrl-C ends it.

TEXT
heeler="$PWD/target/heeler"
cd "$function"
# The variables of the outside must not choose another port or mode than those printed above.
unset PORT ADDRESS LISTEN_ADDRESS listen fprocess function_process
exec env port="$port" metrics_port="$metrics_port" mode=warm "$heeler"
