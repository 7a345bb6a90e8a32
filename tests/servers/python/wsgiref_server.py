"""The Flask app under the standard library's WSGI server, which reads no body without a Content-Length."""

import os
from wsgiref.simple_server import make_server

from flask_app import app

make_server("127.0.0.1", int(os.environ["PORT"]), app).serve_forever()
