//! `heeler health`: asks the instance in this container how it is, over its own socket.
//!
//! The lock file names the address of an instance that is ready. Without it the settings do; and
//! since the port of calls may open only once the function can serve, the metrics port, which is
//! open from the very start, is asked next.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};

use super::instance::{self, BadLockFile, Target};
use crate::config;
use crate::front::Address;

/// A probe that takes longer helps nobody: kubelet's own limit is one second by default, and
/// health is answered at once however busy the handler is.
const PATIENCE: Duration = Duration::from_secs(3);

/// Far more than the status line of any server.
const GREATEST_ANSWER: usize = 4096;

/// Why the instance is not healthy, or cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// It answers, but not with 200.
    #[error("{0} answers {1:?}")]
    Answer(Target, String),
    /// Nobody answers.
    #[error("no answer from {}", list(.0))]
    Silent(Vec<(Target, io::Error)>),
    /// Nobody answers where the lock file says.
    #[error("no answer from {}, which {} names", list(.1), .0.display())]
    Stale(PathBuf, Vec<(Target, io::Error)>),
    /// The lock file cannot be read or understood.
    #[error(transparent)]
    LockFile(#[from] BadLockFile),
    /// The settings name no address.
    #[error("no fixed address to ask (port 0 needs a lock file or a metrics_port)")]
    Nowhere,
}

/// Asks the instance; `Ok` is healthy.
pub fn probe(here: &config::Instance) -> Result<(), Unhealthy> {
    let deadline = Instant::now() + PATIENCE;
    if let Some(locked) = instance::locked(here)? {
        return first_answer(locked.targets, deadline).map_err(|error| match error {
            Unhealthy::Silent(tried) => Unhealthy::Stale(locked.file, tried),
            other => other,
        });
    }
    let metrics = here.metrics.map(|metrics| Address::Tcp { host: None, port: metrics.port });
    let addresses: Vec<_> = here.listen.iter().cloned().chain(metrics).collect();
    first_answer(instance::targets(&addresses), deadline)
}

/// The first one that answers decides.
fn first_answer(targets: Vec<Target>, deadline: Instant) -> Result<(), Unhealthy> {
    let mut silent = Vec::new();
    for target in targets {
        match ask(&target, deadline) {
            Ok(line) if is_ok(&line) => return Ok(()),
            Ok(line) => return Err(Unhealthy::Answer(target, line)),
            Err(error) => silent.push((target, error)),
        }
    }
    Err(if silent.is_empty() { Unhealthy::Nowhere } else { Unhealthy::Silent(silent) })
}

/// The status line of `GET /_/health`.
fn ask(target: &Target, deadline: Instant) -> io::Result<String> {
    let mut socket = connect(target, left(deadline)?)?;
    socket.set_write_timeout(Some(left(deadline)?))?;
    socket.write_all(
        b"GET /_/health HTTP/1.1\r\nHost: localhost\r\nUser-Agent: heeler-health\r\nConnection: close\r\n\r\n",
    )?;
    let mut answer = Vec::new();
    let mut piece = [0; 512];
    while !answer.contains(&b'\n') && answer.len() < GREATEST_ANSWER {
        socket.set_read_timeout(Some(left(deadline)?))?;
        match socket.read(&mut piece)? {
            0 if answer.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            0 => break,
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
    let line = answer.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).trim_end().to_owned())
}

/// The write limit holds for connecting over a Unix socket too, whose backlog may be full.
fn connect(target: &Target, patience: Duration) -> io::Result<Socket> {
    match target {
        Target::Tcp(address) => {
            let socket = Socket::new(Domain::for_address(*address), Type::STREAM, None)?;
            socket.connect_timeout(&SockAddr::from(*address), patience)?;
            Ok(socket)
        }
        Target::Unix(path) => {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.set_write_timeout(Some(patience))?;
            socket.connect(&SockAddr::unix(path)?)?;
            Ok(socket)
        }
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn is_ok(status_line: &str) -> bool {
    let mut words = status_line.split(' ');
    words.next().is_some_and(|version| version.starts_with("HTTP/1.")) && words.next() == Some("200")
}

fn list(tried: &[(Target, io::Error)]) -> String {
    let each = tried.iter().map(|(target, error)| match error.kind() {
        // The system's words for both kinds of limit ("resource temporarily unavailable") mislead.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => format!("{target} (timed out)"),
        _ => format!("{target} ({error})"),
    });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::{SocketAddr, TcpListener};
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;
    use crate::config::Instance;
    use crate::front::MetricsPort;

    /// Answers one connection with `answer` and returns the port.
    fn server(answer: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let count = socket.read(&mut request).unwrap();
            assert!(request[..count].starts_with(b"GET /_/health HTTP/1.1\r\n"));
            socket.write_all(answer.as_bytes()).unwrap();
        });
        port
    }

    /// A port that is taken but that nobody listens on, as one of a late bind is.
    fn closed_port() -> (Socket, u16) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::from(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
        let port = socket.local_addr().unwrap().as_socket().unwrap().port();
        (socket, port)
    }

    fn instance(port: u16, metrics: u16, lock_file: Option<PathBuf>) -> Instance {
        Instance {
            lock_file,
            listen: vec![Address::Tcp { host: None, port }],
            metrics: (metrics != 0).then_some(MetricsPort { port: metrics, by_hand: true }),
        }
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

    #[test]
    fn the_port_of_calls_is_asked_first() {
        assert!(probe(&instance(server(OK), 0, None)).is_ok());
        let draining = server("HTTP/1.1 503 Service Unavailable\r\n\r\n");
        let error = probe(&instance(draining, server(OK), None)).unwrap_err().to_string();
        assert!(error.ends_with("answers \"HTTP/1.1 503 Service Unavailable\""), "{error}");
    }

    #[test]
    fn the_metrics_port_answers_before_the_port_of_calls_is_open() {
        let (_held, closed) = closed_port();
        assert!(probe(&instance(closed, server(OK), None)).is_ok());
        assert!(probe(&instance(0, server(OK), None)).is_ok());
        let error = probe(&instance(closed, closed, None)).unwrap_err().to_string();
        assert!(error.starts_with("no answer from 127.0.0.1:"), "{error}");
        assert!(matches!(probe(&instance(0, 0, None)), Err(Unhealthy::Nowhere)));
    }

    #[test]
    fn the_lock_file_goes_before_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join(".lock");
        let ask = |text: String| {
            fs::write(&lock, text).unwrap();
            probe(&instance(server(OK), 0, Some(lock.clone())))
        };
        assert!(ask(format!("1\n[::]:{}\n", server(OK))).is_ok());
        assert!(ask(format!("1\n0.0.0.0:{}\n", server(OK))).is_ok());
        let (_held, closed) = closed_port();
        let stale = ask(format!("1\n127.0.0.1:{closed}\n")).unwrap_err().to_string();
        assert!(stale.ends_with(".lock names"), "{stale}");
        assert!(matches!(ask("1\n".to_owned()), Err(Unhealthy::LockFile(_))));
        assert!(matches!(ask("1\nnowhere\n".to_owned()), Err(Unhealthy::LockFile(..))));
        fs::remove_file(&lock).unwrap();
        assert!(probe(&instance(server(OK), 0, Some(lock))).is_ok());
    }

    #[test]
    fn a_unix_socket_is_asked_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let listener = UnixListener::bind(&path).unwrap();
        let answer = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let _ = socket.read(&mut request).unwrap();
            socket.write_all(OK.as_bytes()).unwrap();
        });
        let instance = Instance { lock_file: None, listen: vec![Address::Unix(path)], metrics: None };
        assert!(probe(&instance).is_ok());
        answer.join().unwrap();
    }

    #[test]
    fn only_a_status_of_200_is_healthy() {
        for (line, expect) in [
            ("HTTP/1.1 200 OK", true),
            ("HTTP/1.0 200", true),
            ("HTTP/1.1 503 Service Unavailable", false),
            ("HTTP/1.1 2000", false),
            ("SSH-2.0 200", false),
            ("", false),
        ] {
            assert_eq!(is_ok(line), expect, "{line}");
        }
    }
}
