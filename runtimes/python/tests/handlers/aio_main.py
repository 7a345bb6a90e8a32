"""Asynchronous functions as written for Google's functions-framework."""

import asyncio

import functions_framework.aio


@functions_framework.aio.http
async def main(request):
    what = request.query_params.get("what", "text")
    await asyncio.sleep(0)
    if what == "text":
        return "Hello é"
    if what == "dict":
        return {"b": 1, "a": "é"}
    if what == "status":
        return "made", 201
    if what == "dict_status":
        return {"error": "gone"}, 404
    if what == "none":
        return None
    if what == "crash":
        raise ValueError("secret")
    if what == "body":
        return {"json": await request.json(), "method": request.method, "x": request.headers.get("x-a")}
    if what == "path":
        return request.path_params.get("path", "root")


@functions_framework.aio.http
def plain(request):
    return "plain " + request.method
