# What the tests of images ask of a function: its body back, or more memory than there is.
def handle(request):
    if request.path == "/eat":
        return str(len(b"x" * 200_000_000))
    return request.data
