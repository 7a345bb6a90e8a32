from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

said = []


@asynccontextmanager
async def lifespan(app):
    said.append("started")
    yield {"word": "state"}
    print("stopped", flush=True)


app = FastAPI(lifespan=lifespan)


@app.post("/items/{number}")
async def item(number: int, value: dict, request: Request):
    return {"number": number, "value": value, "said": said, "state": request.state.word}


@app.get("/plain")
def plain(q: str = "none"):
    return q


@app.post("/stream")
async def stream(request: Request):
    return StreamingResponse(request.stream(), media_type="application/octet-stream")


@app.get("/crash")
async def crash():
    raise ValueError("secret")
