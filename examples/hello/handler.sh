#!/bin/sh
# A whole function: the request's body comes on stdin, the rest of the request is in the environment,
# what goes to stdout is the answer and what goes to stderr is the log.
name="${Http_Path:-/world}"
body="$(cat)"
echo "greeting ${name#/}" >&2
printf 'Hello, %s!\n' "${name#/}"
printf 'Your %s had the query "%s" and this body: %s\n' "${Http_Method:-call}" "${Http_Query:-}" "$body"
