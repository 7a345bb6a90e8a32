"""functions-framework: the same file under heeler and under the framework."""

HELLO = b"x" * 100


def function(request):
    return request.get_data() or HELLO
