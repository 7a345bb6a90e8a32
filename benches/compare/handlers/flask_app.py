"""Flask, for gunicorn."""

from flask import Flask, request

HELLO = b"x" * 100
app = Flask(__name__)


@app.route("/", methods=["GET", "POST"])
def index():
    return request.get_data() or HELLO
