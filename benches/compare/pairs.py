"""Who is put beside whom in warm mode, by the groups of contestants.py."""

# heeler, and whom it is divided by.
PAIRS = {
    "rust": [
        ("heeler, Rust", "bare hyper"),
        ("heeler, Rust, 2 workers", "bare hyper"),
    ],
    "python": [
        ("heeler, Python hks", "uvicorn"),
        ("heeler, Python hks, 2 workers", "uvicorn, 2 workers"),
        ("heeler, Python hks", "functions-framework"),
        ("heeler, Python http", "functions-framework"),
        ("heeler, Python http with Flask", "functions-framework"),
        ("heeler, Python http with Flask, 2 workers", "functions-framework, WORKERS=2"),
        ("heeler, Python http with Flask", "gunicorn + Flask"),
        ("heeler, Python http with Flask", "gunicorn + Flask, gthread"),
        ("heeler, Python http with Flask, 2 workers", "gunicorn + Flask, 2 workers"),
    ],
    "node": [
        ("heeler, Node hks", "node:http"),
        ("heeler, Node (req, res)", "node:http"),
        ("heeler, Node hks, 2 workers", "node:http, cluster of 2"),
        ("heeler, Node (req, res), 2 workers", "node:http, cluster of 2"),
        ("heeler, Node (req, res)", "functions-framework"),
        ("heeler, Node (req, res)", "functions-framework, NODE_ENV=production"),
    ],
    "go": [
        ("heeler, Go", "net/http"),
        ("heeler, Go", "heeler, Go, GOMAXPROCS=2"),
        ("heeler, Go", "functions-framework"),
        ("heeler, Go functions-framework", "functions-framework"),
    ],
    "java": [
        ("heeler, Java HttpFunction", "functions-framework, java invoker"),
    ],
}
