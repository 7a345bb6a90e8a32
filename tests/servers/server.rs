//! The servers: what starts each of them, and where its parts are.

use std::path::{Path, PathBuf};

use crate::support::{Builder, Heeler, installed};

/// A server as its own documentation starts it. It learns its port from PORT and from nothing else.
pub(crate) struct Server {
    /// The language: a folder in tests/servers/ and one in target/servers/.
    pub(crate) set: &'static str,
    /// Started in the language's folder; `SET` stands for what was installed.
    pub(crate) command: &'static str,
}

pub(crate) const GUNICORN_SYNC: Server =
    Server { set: "python", command: "SET/bin/gunicorn --worker-class sync flask_app:app" };
pub(crate) const GUNICORN_THREADS: Server =
    Server { set: "python", command: "SET/bin/gunicorn --worker-class gthread --threads 8 flask_app:app" };
/// It takes forwarding headers away unless it is told whom to trust.
pub(crate) const WAITRESS: Server = Server {
    set: "python",
    command: "sh -c 'exec SET/bin/waitress-serve --listen=127.0.0.1:$PORT --trusted-proxy=127.0.0.1 \
        --trusted-proxy-headers=\"x-forwarded-for x-forwarded-proto x-forwarded-host\" flask_app:app'",
};
pub(crate) const WSGIREF: Server = Server { set: "python", command: "SET/bin/python wsgiref_server.py" };
pub(crate) const UVICORN: Server =
    Server { set: "python", command: "sh -c 'exec SET/bin/uvicorn --port $PORT fastapi_app:app'" };
pub(crate) const PYTHON_FRAMEWORK: Server =
    Server { set: "python", command: "SET/bin/functions-framework --source flask_app.py --target play" };
pub(crate) const PYTHON_EVENTS: Server = Server {
    set: "python",
    command: "SET/bin/functions-framework --source flask_app.py --target event --signature-type cloudevent",
};
pub(crate) const GRPC: Server = Server { set: "python", command: "SET/bin/python grpc_server.py" };
pub(crate) const WEBSOCKETS: Server = Server { set: "python", command: "SET/bin/python websocket_server.py" };

pub(crate) const EXPRESS: Server = Server { set: "node", command: "node express.js" };
pub(crate) const NODE: Server = Server { set: "node", command: "node http.mjs" };
pub(crate) const NODE_FRAMEWORK: Server =
    Server { set: "node", command: "SET/node_modules/.bin/functions-framework --source framework.js --target play" };
pub(crate) const NODE_EVENTS: Server = Server {
    set: "node",
    command: "SET/node_modules/.bin/functions-framework --source framework.js --target event --signature-type cloudevent",
};

pub(crate) const GO: Server = Server { set: "go", command: "SET/plain" };
pub(crate) const GO_FRAMEWORK: Server = Server { set: "go", command: "env FUNCTION_TARGET=play SET/framework" };
pub(crate) const GO_EVENTS: Server = Server { set: "go", command: "env FUNCTION_TARGET=event SET/framework" };

pub(crate) const JAVA: Server = Server { set: "java", command: "java -cp SET/classes Plain" };
pub(crate) const JAVA_FRAMEWORK: Server = Server {
    set: "java",
    command: "java -jar SET/jars/java-function-invoker-2.0.0.jar --classpath SET/classes --target Play",
};
pub(crate) const JAVA_EVENTS: Server = Server {
    set: "java",
    command: "java -jar SET/jars/java-function-invoker-2.0.0.jar --classpath SET/classes --target Event",
};

impl Server {
    /// heeler with this server as its handler; `None`, with a line that says why, where its language is not to be had.
    pub(crate) fn builder(&self) -> Option<Builder> {
        let installed = installed(self.set)?;
        let installed = installed.to_str().expect("a path of plain letters");
        let modules = format!("{installed}/node_modules");
        let builder = Heeler::builder().folder(&sources(self.set));
        let command = self.command.replace("SET", installed);
        Some(builder.envs(&[
            ("mode", "http"),
            ("fprocess", &command),
            ("shutdown_delay", "0"),
            // Node looks for packages beside the program, where none are.
            ("NODE_PATH", &modules),
            // Compiled modules would be left beside the sources.
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ]))
    }

    /// Started and ready.
    #[track_caller]
    pub(crate) fn start(&self, env: &[(&str, &str)]) -> Option<Heeler> {
        Some(self.builder()?.envs(env).start())
    }
}

/// Where the programs of a language lie.
pub(crate) fn sources(set: &str) -> PathBuf {
    root().join("tests/servers").join(set)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
