"""A whole function: what it returns is the answer, what it prints is in the log with the call's id."""


def handle(request):
    name = request.get("name", "World")
    print("greeting", name)
    return {"hello": name, "method": request.method, "path": request.path}
