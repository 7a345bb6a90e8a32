from flask import Flask, Response, jsonify, request, stream_with_context

app = Flask(__name__)


@app.route("/hello/<name>", methods=["GET", "POST"])
def hello(name):
    return jsonify(name=name, args=request.args.to_dict(), body=request.get_data(as_text=True))


@app.route("/stream", methods=["POST"])
def stream():
    def pieces():
        while piece := request.stream.read(65_536):
            yield piece

    return Response(stream_with_context(pieces()), mimetype="application/octet-stream")


@app.route("/crash")
def crash():
    raise ValueError("secret")
