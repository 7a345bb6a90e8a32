"""HKS: heeler alone."""

HELLO = b"x" * 100


def handle(request):
    return request.data or HELLO
