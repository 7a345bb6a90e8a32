"""http functions of functions-framework where Flask is installed: the function is the one view of an application."""

import os
import sys

from .wsgi import Wsgi

_made = {}


def application(source, name):
    """The Flask application for a file, of which there is one, also while the file is loaded."""
    if not _made:
        import flask

        _made["app"] = flask.Flask(name, template_folder=os.path.join(os.path.dirname(source), "templates"))
    return _made["app"]


class GffFlask(Wsgi):
    style = "http"

    def __init__(self, function, name, module, settings):
        self.app = application(module.__file__, name)
        mount(self.app, function, legacy=bool(settings.get("ENTRY_POINT")))
        super().__init__(self.app, settings)


def mount(app, function, legacy):
    import flask
    from werkzeug.routing import Rule

    from ..adapter import await_here

    def view(path):
        # The request itself and not Flask's stand-in for it, which other threads could not use.
        result = function(flask.request._get_current_object())
        if hasattr(result, "__await__"):
            result = await_here(result)
        return "OK" if legacy and result is None else result

    def nothing():
        flask.abort(404, description="Not Found")

    def read_all(response):
        """Who answers before the request's end has come would have the connection cut."""
        if not response.is_streamed:
            flask.request.get_data()
        return response

    def crashed(error):
        return str(error), 500, {"X-Google-Status": "crash"}

    # Rules without methods take all of them.
    for rule in (
        Rule("/", defaults={"path": ""}, endpoint="run"),
        Rule("/robots.txt", endpoint="nothing"),
        Rule("/favicon.ico", endpoint="nothing"),
        Rule("/<path:path>", endpoint="run"),
    ):
        app.url_map.add(rule)
    app.view_functions["run"], app.view_functions["nothing"] = view, nothing
    app.after_request(read_all)
    app.register_error_handler(500, crashed)
    framework = sys.modules.get("functions_framework")
    for kind, handler in getattr(framework, "_ERROR_HANDLERS", ()):
        app.register_error_handler(kind, handler)
