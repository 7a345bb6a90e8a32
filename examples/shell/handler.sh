#!/bin/sh
# A whole function: the request's body comes on stdin, the rest of the request is in the environment,
# what goes to stdout is the answer and what goes to stderr is the log.
body="$(cat)"
path="${Http_Path:-/}"
name="${path#/}"
echo "greeting ${name:-world}" >&2
printf 'Hello, %s!\n' "${name:-world}"
printf 'Your %s had the query "%s" and this body: %s\n' "${Http_Method:-call}" "${Http_Query:-}" "$body"
