"""The small app for FastAPI, under uvicorn."""

import asyncio
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.get("/hello")
def hello():
    return Response("hello\n", media_type="text/plain")


@app.post("/echo")
async def echo(request: Request):
    return Response(await request.body(), headers={"content-type": request.headers.get("content-type", "")})


@app.api_route("/headers{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def headers(request: Request):
    scope = request.scope
    query = scope["query_string"].decode()
    return {
        "method": request.method,
        "target": scope["raw_path"].decode() + (f"?{query}" if query else ""),
        "query": query,
        "headers": dict(request.headers),
        "remote": request.client.host,
    }


@app.get("/cookies")
def cookies():
    response = Response()
    response.raw_headers += [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    return response


@app.get("/status/{code}")
def status(code: int):
    return Response(f"status {code}\n", status_code=code)


@app.get("/stream")
def stream():
    return StreamingResponse(f"piece {n}\n" for n in range(10))


@app.get("/big/{length}")
def big(length: int):
    return Response((bytes(range(251)) * (length // 251 + 1))[:length])


@app.get("/events")
def events(gate: str):
    async def pieces():
        yield "data: first\n\n"
        # A named pipe: this waits until the test has written into it.
        await asyncio.to_thread(Path(gate).read_bytes)
        yield "data: second\n\n"

    return StreamingResponse(pieces(), media_type="text/event-stream")
