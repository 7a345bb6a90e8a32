"""fprocess="python3 examples/python/handler.py": JSON in, JSON out, an exit code for the status."""

import json
import sys

try:
    order = json.load(sys.stdin)
    total = sum(item["price"] * item["count"] for item in order["items"])
except (ValueError, KeyError, TypeError) as problem:
    print(f"not an order: {problem!r}", file=sys.stderr)
    sys.exit(3)  # with exit_codes=3:422 the caller sees 422, else 500

json.dump({"total": total}, sys.stdout)
