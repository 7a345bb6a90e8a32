//! A container of an image, on ports of its own, that is gone when the test is over.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::engine::{docker, said};
use super::support::{Conn, Page, Request, Response, free_port, within};

/// How long a container may take to its first answer: half a processor, on a machine that others use too.
const START: Duration = Duration::from_secs(60);

/// What is run.
pub(super) struct Run {
    options: Vec<String>,
    image: String,
    command: Vec<String>,
    port: u16,
    metrics_port: u16,
}

impl Run {
    /// On free ports, which heeler is told by its settings.
    pub(super) fn of(image: &str) -> Run {
        let (port, metrics_port) = (free_port(), free_port());
        // The script's word for this run's containers: it removes those that a test could not.
        let label = std::env::var("HEELER_TEST_LABEL").unwrap_or("heeler-test".to_owned());
        let run = Run { options: Vec::new(), image: image.to_owned(), command: Vec::new(), port, metrics_port };
        run.options(&["--network", "host", "--label", &label])
            .env("port", &port.to_string())
            .env("metrics_port", &metrics_port.to_string())
    }

    /// With what a cautious operator gives: a user without rights, a read-only root, and little of everything.
    pub(super) fn boxed(self, memory: &str) -> Run {
        self.options(&["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"])
            .options(&["--memory", memory, "--memory-swap", memory, "--cpus", "0.5", "--pids-limit", "32"])
    }

    pub(super) fn options(mut self, options: &[&str]) -> Run {
        self.options.extend(options.iter().map(ToString::to_string));
        self
    }

    pub(super) fn env(self, name: &str, value: &str) -> Run {
        self.options(&["--env", &format!("{name}={value}")])
    }

    pub(super) fn envs(self, pairs: &[(&str, &str)]) -> Run {
        pairs.iter().fold(self, |run, (name, value)| run.env(name, value))
    }

    /// Without the setting of a port: the platform names it.
    pub(super) fn platform_port(self) -> Run {
        let port = self.port.to_string();
        self.env("port", "").env("PORT", &port)
    }

    pub(super) fn command(mut self, words: &[&str]) -> Run {
        self.command = words.iter().map(ToString::to_string).collect();
        self
    }

    /// Runs it to its end: its exit code, and all that it wrote.
    pub(super) fn ended(self) -> (i32, String) {
        let container = self.start();
        let code = said(&["wait", &container.id]).parse().expect("an exit code");
        (code, container.logs())
    }

    #[track_caller]
    pub(super) fn start(self) -> Container {
        let mut args = vec!["run", "--detach"];
        args.extend(self.options.iter().map(String::as_str));
        args.push(&self.image);
        args.extend(self.command.iter().map(String::as_str));
        Container { id: said(&args), port: self.port, metrics_port: self.metrics_port }
    }

    /// Starts it, and waits until a call of the function is answered with 200.
    #[track_caller]
    pub(super) fn serve(self, request: &Request) -> Container {
        let container = self.start();
        let mut last = "nothing".to_owned();
        let served = within(START, || match container.try_call(request) {
            Some(answer) => {
                last = format!("{} {}", answer.status, answer.text());
                answer.status == 200
            }
            None => false,
        });
        assert!(served, "no 200 within {START:?} but {last}:\n{}", container.logs());
        container
    }
}

/// It exists as long as this.
pub(super) struct Container {
    pub(super) id: String,
    port: u16,
    metrics_port: u16,
}

impl Container {
    pub(super) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(super) fn try_call(&self, request: &Request) -> Option<Response> {
        Conn::try_open(self.address()).ok()?.try_call(request).ok()
    }

    #[track_caller]
    pub(super) fn call(&self, request: &Request) -> Response {
        Conn::open(self.address()).call(request)
    }

    #[track_caller]
    pub(super) fn scrape(&self) -> Page {
        let mut conn = Conn::open((Ipv4Addr::LOCALHOST, self.metrics_port).into());
        Page::parse(&conn.call(&Request::get("/metrics")).assert_ok().text())
    }

    /// What the engine knows of it, as one of its templates says.
    #[track_caller]
    pub(super) fn inspect(&self, template: &str) -> String {
        said(&["inspect", "--format", template, &self.id])
    }

    /// stdout and stderr.
    pub(super) fn logs(&self) -> String {
        let output = docker(&["logs", &self.id]);
        [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned()).concat()
    }

    /// A field of the kernel's page on its first process.
    #[track_caller]
    pub(super) fn status(&self, field: &str) -> String {
        let pid = self.inspect("{{.State.Pid}}");
        let status =
            std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the container runs on this machine");
        let mut lines = status.lines();
        let found = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':').map(str::trim));
        found.unwrap_or_else(|| panic!("no {field} in {status}")).to_owned()
    }

    /// Has the engine stop it; its exit code.
    #[track_caller]
    pub(super) fn stop(&self, grace: Duration) -> i32 {
        said(&["stop", "--time", &grace.as_secs().to_string(), &self.id]);
        self.inspect("{{.State.ExitCode}}").parse().expect("an exit code")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the container said:\n{}\n---", self.logs());
        }
        docker(&["rm", "--force", &self.id]);
    }
}
