"""Where functions are found, which style they have, and what is said of those that cannot be loaded."""

import os
import unittest

from support import Case, Worker, refused

ONE = "def {0}(request):\n    return __name__\n"
APP = """
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"asgi"})
"""
WSGI = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'wsgi']\n"
TWO = "def {0}(event, context):\n    return type(event).__name__\n"


class Found(Case):
    def check_found(self, files, settings, env, style, function, body=None):
        with Worker(None, settings, files=files, env=env) as worker:
            self.assertEqual((worker.said["style"], worker.said["function"]), (style, function))
            answer = worker.ask(body=b"x")
            self.check(answer, 200, body)

    def test_table(self):
        handle, handler = ONE.format("handle"), ONE.format("handler")
        for files, settings, env, style, function, body in (
            ({"function.py": handle}, {}, {}, "hks", "function.handle", "function"),
            ({"main.py": handler}, {}, {}, "hks", "main.handler", "main"),
            ({"index.py": TWO.format("handler")}, {}, {}, "lambda", "index.handler", "dict"),
            ({"handler.py": handle}, {}, {}, "openfaas", "handler.handle", "handler"),
            ({"function/handler.py": TWO.format("handle")}, {}, {}, "openfaas", "handler.handle", "HttpEvent"),
            ({"anything.py": handle}, {}, {}, "hks", "anything.handle", "anything"),
            ({"app.py": APP}, {}, {}, "asgi", "app.app", "asgi"),
            ({"app.py": WSGI}, {}, {}, "wsgi", "app.app", "wsgi"),
            ({"a.py": handle, "b.py": handle}, {"handler": "b.handle"}, {}, "hks", "b.handle", "b"),
            ({"a.py": handle, "b.py": handle}, {"handler": "b"}, {}, "hks", "b.handle", "b"),
            ({"deep/er.py": handle}, {"handler": "deep/er.py:handle"}, {}, "hks", "er.handle", "er"),
            ({"deep/er.py": handle}, {"handler": "deep.er.handle"}, {}, "hks", "deep.er.handle", "deep.er"),
            ({"deep/er.py": handle}, {"handler": "deep/er.handle"}, {}, "hks", "deep.er.handle", "deep.er"),
            ({"a.py": "class A:\n    @staticmethod\n    " + handle.replace("\n", "\n    ")}, {"handler": "a.py:A.handle"}, {},
             "hks", "a.A.handle", "a"),
            ({"queue.py": handle}, {"handler": "queue.py:handle"}, {}, "hks", "function_queue.handle", "function_queue"),
            ({"json.py": handle}, {"handler": "json.handle"}, {}, "hks", "function_json.handle", "function_json"),
            ({"a.py": ONE.format("go")}, {"handler": "a.go", "handler_style": "request"}, {}, "request", "a.go", "a"),
            ({"a.py": ONE.format("go")}, {}, {"handler": "a.go", "handler_style": "event"}, "event", "a.go", "a"),
            ({"a.py": TWO.format("go")}, {}, {"_HANDLER": "a.go"}, "lambda", "a.go", "dict"),
            ({"a.py": TWO.format("go")}, {"handler_style": "kubeless", "handler": "a.go"}, {}, "kubeless", "a.go", "dict"),
            ({"a.py": TWO.format("go")}, {}, {"MOD_NAME": "a", "FUNC_HANDLER": "go"}, "kubeless", "a.go", "dict"),
            ({"main.py": ONE.format("go")}, {}, {"FUNCTION_TARGET": "go"}, "http", "main.go", "main"),
            ({"x/y.py": ONE.format("go")}, {}, {"FUNCTION_TARGET": "go", "FUNCTION_SOURCE": "x/y.py"}, "http", "y.go", "y"),
            ({"x/main.py": ONE.format("go")}, {}, {"FUNCTION_TARGET": "go", "FUNCTION_SOURCE": "x"}, "http", "main.go", "main"),
            ({"a.py": "import functions_framework\n@functions_framework.http\n" + ONE.format("go")}, {}, {}, "http", "a.go", "a"),
        ):  # fmt: skip
            with self.subTest(files=list(files), settings=settings, env=env):
                self.check_found(files, settings, env, style, function, body)

    def test_lambda_task_root(self):
        with Worker(None, {}, files={"task/a.py": TWO.format("go")}, env={"_HANDLER": "a.go", "LAMBDA_TASK_ROOT": "task"}) as worker:
            self.assertEqual(worker.said["function"], "a.go")

    def test_siblings(self):
        files = {
            "function.py": """
                import json, helper
                from . import helper as other
                from deep.inner import name
                import string, random
                def handle(request):
                    return [json.dumps(1), helper.name, other.name, name, hasattr(random, "randint"), __file__]
            """,
            "helper.py": "name = 'helper'\n",
            "random.py": "name = 'ours'\n",
            "deep/__init__.py": "",
            "deep/inner.py": "from . import outer\nname = outer.name\n",
            "deep/outer.py": "name = 'outer'\n",
        }
        with Worker(None, {"handler": "function.py"}, files=files) as worker:
            path = os.path.join(worker.folder, "function.py")
            self.check(worker.ask(), 200, f'["1", "helper", "helper", "outer", true, "{path}"]')


class Refused(Case):
    def check_refused(self, files, settings, env, *texts):
        told, code, errors = refused(self, None, settings, files=files, env=env)
        self.assertEqual(code, 1)
        for text in texts:
            self.assertIn(text, told[1] + told[2])
        # Once is enough: heeler says it with its own last words.
        self.assertEqual(errors, "")
        self.assertNotIn("<frozen importlib", told[2])

    def test_table(self):
        good = ONE.format("handle")
        for files, settings, env, texts in (
            ({}, {}, {}, ["no function: looked for function.py, main.py", "found no Python file"]),
            ({"a.py": good, "b.py": good}, {}, {}, ["no function", "found a.py, b.py", "set handler=file.py:function"]),
            ({"a.py": good}, {"handler": "b.py:handle"}, {}, ["handler: 'b.py:handle' wants b.py", "found a.py"]),
            ({"a.py": good}, {"handler": "b.handle"}, {}, ["handler: 'b.handle' wants b.py", "found a.py"]),
            ({"a.py": good}, {"handler": "a.handel"}, {}, ["no function handel in", "a.py (chosen by handler); found handle"]),
            ({"a.py": "handle = 3\n"}, {"handler": "a.handle"}, {}, ["handle in", "is int, not a function"]),
            ({"a.py": "x = 1\n"}, {}, {}, ["no function handle or handler or app", "found nothing that can be called"]),
            ({"a.py": good}, {"handler_style": "best"}, {}, ["handler_style: 'best' is none of http, hks, request"]),
            ({"a.py": good}, {}, {"FUNCTION_TARGET": "go"}, ["FUNCTION_SOURCE: there is no file", "main.py", "found a.py"]),
            ({"main.py": good}, {}, {"FUNCTION_TARGET": "go"}, ["no function go in", "(chosen by FUNCTION_TARGET); found handle"]),
            ({"main.py": good}, {}, {"FUNCTION_TARGET": "handle", "FUNCTION_SIGNATURE_TYPE": "odd"}, ["'odd' is none of http, event"]),
            ({"a.py": "import missing_module\n" + good}, {}, {}, ["a.py cannot be loaded: ModuleNotFoundError: No module named",
                                                                   "line 1, in <module>", "import missing_module"]),
            ({"a.py": "def handle(:\n"}, {}, {}, ["a.py cannot be loaded: SyntaxError", "def handle(:"]),
            ({"a.py": "raise SystemExit(3)\n"}, {}, {}, ["a.py cannot be loaded: SystemExit: 3"]),
            ({"a.py": TWO.format("handler")}, {}, {}, ["takes 2 arguments", "set handler_style to lambda, kubeless or openfaas"]),
            ({"a.py": "def handle(a, b, c):\n    pass\n"}, {}, {}, ["handle in", "takes 3 arguments"]),
            ({"handler.py": "def handle(a, b, c):\n    pass\n"}, {}, {}, ["handle takes 3 arguments; in the style of openfaas"]),
            ({"a.py": "def handle(a, b, c):\n    pass\n"}, {"handler_style": "func"}, {}, ["must be async def"]),
            ({"a.py": "def new():\n    return 3\n"}, {"handler_style": "func"}, {}, ["new() gave int, which has no handle"]),
            ({"a.py": "import functions_framework as f\n@f.http\ndef a(r): pass\n@f.http\ndef b(r): pass\n"}, {}, {},
             ["several functions are registered: a, b; set FUNCTION_TARGET"]),
        ):  # fmt: skip
            with self.subTest(files=list(files.values()), settings=settings, env=env):
                self.check_refused(files, settings, env, *texts)

    def test_what_the_file_prints_is_kept(self):
        code = "import sys\nprint('looking', file=sys.stderr)\nimport missing_module\n"
        told, code, errors = refused(self, code, {"handler": "function.py"})
        self.assertEqual((code, errors), (1, "looking\n"))
        self.assertIn("import missing_module", told[2])


if __name__ == "__main__":
    unittest.main()
