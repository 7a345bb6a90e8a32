"""Functions as written for Google's functions-framework, run under it and under heeler's worker."""

import functions_framework


class Teapot(Exception):
    pass


class Odd(Exception):
    pass


@functions_framework.errorhandler(Teapot)
def teapot(error):
    return f"short and stout: {error}", 418


@functions_framework.http
def main(request):
    what = request.args.get("what", "text")
    return globals()["give_" + what](request)


def give_text(request):
    return "Hello é"


def give_bytes(request):
    return b"\x00\xff"


def give_dict(request):
    return {"b": 1, "a": ["é", None, 1.5]}


def give_list(request):
    return [1, {"z": 1, "y": 2}]


def give_status(request):
    return "made", 201


def give_status_headers(request):
    return "made", 201, {"X-A": "b", "Content-Type": "text/plain"}


def give_headers(request):
    return "made", {"X-A": "b"}


def give_header_list(request):
    return "made", 200, [("X-A", "1"), ("X-A", "2")]


def give_dict_status(request):
    return {"error": "gone"}, 404


def give_proxy(request):
    return {"statusCode": 404, "body": "x"}


def give_generator(request):
    return (piece for piece in ("a", "b", "c"))


def give_none(request):
    return None


def give_number(request):
    return 7


def give_crash(request):
    raise Odd("secret")


def give_teapot(request):
    raise Teapot("me")


def give_json(request):
    return {"got": request.get_json()}


def give_json_silent(request):
    return {"got": request.get_json(silent=True), "is": request.is_json}


def give_seen(request):
    return {
        "method": request.method,
        "path": request.path,
        "full_path": request.full_path,
        "url": request.url,
        "base_url": request.base_url,
        "host": request.host,
        "host_url": request.host_url,
        "scheme": request.scheme,
        "args": request.args.to_dict(flat=False),
        "get": [request.args.get("n", type=int), request.args.get("missing", "d")],
        "form": request.form.to_dict(flat=False),
        "values": request.values.to_dict(),
        "header": [request.headers.get("X-A"), request.headers.get("x-a"), request.headers.get("none")],
        "cookies": dict(request.cookies),
        "content_type": request.content_type,
        "mimetype": request.mimetype,
        "content_length": request.content_length,
        "remote_addr": request.remote_addr,
        "query_string": request.query_string.decode(),
        "is_secure": request.is_secure,
    }


def give_data(request):
    return {"data": request.get_data().decode("latin-1"), "again": request.data.decode("latin-1"), "text": request.get_data(as_text=True)}
