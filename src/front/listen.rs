//! Sockets that accept: bound at the start, listening when the function can serve, closed without losing anybody.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, SockFilter, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::Address;
use super::socket::Stream;

/// Connections that the kernel keeps for us while we are busy; it may cut this to net.core.somaxconn.
const BACKLOG: i32 = 1024;
/// A client that vanished without a word (its machine is gone) is found out by the kernel after so much silence, and a
/// little more: a stream or a session may have no other limit.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes of an answer that a connection's kernel takes beyond what the client has room for. By itself it takes megabytes:
/// those of some hundred clients that do not read are more than a container has, and the memory of sockets counts there.
const MOST_UNSENT: u32 = 256 * 1024;
/// Handshakes that were under way when new ones were shut out are given so long.
const LAST_HANDSHAKES: Duration = Duration::from_millis(10);

/// An address could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}{}", self.hint())]
pub struct ListenError {
    address: String,
    error: io::Error,
    /// The settings that choose another address.
    settings: &'static str,
}

/// A socket that holds its address and does not accept yet.
#[derive(Debug)]
pub(super) struct Bound {
    socket: Socket,
    /// As people and `heeler health` see it.
    pub(super) address: String,
    path: Option<PathBuf>,
}

/// A socket that accepts.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// Takes an address.
pub(super) fn bind(address: &Address) -> Result<Bound, ListenError> {
    let (shown, bound) = match address {
        Address::Tcp { host: Some(host), port } => {
            let at = SocketAddr::new(*host, *port);
            (at.to_string(), bind_tcp(at))
        }
        Address::Tcp { host: None, port } => (format!("port {port}"), bind_all(*port)),
        Address::Unix(path) => (format!("unix:{}", path.display()), bind_unix(path)),
    };
    bound.map_err(|error| ListenError::new(&shown, error))
}

/// All addresses: one socket for v6 and v4, or v4 alone where the kernel has no v6.
fn bind_all(port: u16) -> io::Result<Bound> {
    match bind_tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
            bind_tcp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
        }
        bound => bound,
    }
}

/// Without SO_REUSEADDR: between bind and listen another program with that option could bind and listen first. With
/// it only where an earlier instance's closed connections still hold the port (TIME_WAIT).
fn bind_tcp(address: SocketAddr) -> io::Result<Bound> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    if let Err(error) = socket.bind(&address.into()) {
        if error.kind() != io::ErrorKind::AddrInUse {
            return Err(error);
        }
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
    }
    let address = socket.local_addr()?.as_socket().map_or_else(String::new, |address| address.to_string());
    Ok(Bound { socket, address, path: None })
}

fn bind_unix(path: &Path) -> io::Result<Bound> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let address = SockAddr::unix(path)?;
    if let Err(error) = socket.bind(&address) {
        // A socket file outlives its server; one that nobody answers is in the way of nobody.
        let is_socket = || std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
        if error.kind() != io::ErrorKind::AddrInUse || !is_socket() || StdUnixStream::connect(path).is_ok() {
            return Err(error);
        }
        std::fs::remove_file(path)?;
        socket.bind(&address)?;
    }
    Ok(Bound { socket, address: format!("unix:{}", path.display()), path: Some(path.to_owned()) })
}

impl Bound {
    /// Accepts from here on.
    pub(super) fn listen(self) -> io::Result<Listener> {
        self.socket.listen(BACKLOG)?;
        // Nobody can take the port now. Connections inherit the option, and only ones that have it let the next
        // instance bind while they are in TIME_WAIT.
        self.socket.set_reuse_address(true)?;
        if self.path.is_none() {
            // Connections inherit these, too. A kernel that cannot do one of them is no reason not to serve.
            let _ = self.socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE / 4));
            let _ = self.socket.set_tcp_notsent_lowat(MOST_UNSENT);
            // Answers are written in one piece or flushed on purpose: nothing to gather.
            let _ = self.socket.set_tcp_nodelay(true);
        }
        match self.path {
            None => Ok(Listener::Tcp(TcpListener::from_std(self.socket.into())?)),
            Some(path) => Ok(Listener::Unix(UnixListener::from_std(self.socket.into())?, path)),
        }
    }
}

impl Listener {
    /// The next client.
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Listener::Tcp(tcp) => tcp.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
            Listener::Unix(unix, _) => unix.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }

    /// Closes the door and hands over everybody who stood in it: a client whose connect succeeded is served.
    pub(super) async fn close(self) -> Vec<Stream> {
        match self {
            Listener::Tcp(tcp) => close_tcp(tcp).await,
            Listener::Unix(unix, path) => {
                let _ = std::fs::remove_file(path); // First, so that nobody new finds the way in.
                let Ok(unix) = unix.into_std() else { return Vec::new() };
                std::iter::from_fn(|| unix.accept().ok())
                    .filter_map(|(stream, _)| {
                        stream.set_nonblocking(true).ok()?;
                        Some(Stream::Unix(UnixStream::from_std(stream).ok()?))
                    })
                    .collect()
            }
        }
    }
}

/// Closing a listener resets what it has not accepted. So first no handshake may begin any more, then those under way
/// may end, then the queue is emptied.
async fn close_tcp(tcp: TcpListener) -> Vec<Stream> {
    if let Err(error) = shut_out_new_handshakes(&tcp) {
        crate::log::debug!(%error, "the listener is closed without a filter");
    }
    tokio::time::sleep(LAST_HANDSHAKES).await;
    let Ok(tcp) = tcp.into_std() else { return Vec::new() };
    std::iter::from_fn(|| tcp.accept().ok())
        .filter_map(|(stream, _)| {
            stream.set_nonblocking(true).ok()?;
            Some(Stream::Tcp(TcpStream::from_std(stream).ok()?))
        })
        .collect()
}

/// A classic BPF filter on the listening socket sees segments from the TCP header on: those with SYN and without ACK
/// (byte 13, bits 2 and 16) are dropped as if lost. The client tries again and meets a closed port.
fn shut_out_new_handshakes(tcp: &TcpListener) -> io::Result<()> {
    let load_flags = SockFilter::new(0x30, 0, 0, 13); // BPF_LD | BPF_B | BPF_ABS
    let keep_syn_and_ack = SockFilter::new(0x54, 0, 0, 0x12); // BPF_ALU | BPF_AND | BPF_K
    let if_syn_alone = SockFilter::new(0x15, 0, 1, 0x02); // BPF_JMP | BPF_JEQ | BPF_K
    let drop = SockFilter::new(0x06, 0, 0, 0); // BPF_RET | BPF_K
    let pass = SockFilter::new(0x06, 0, 0, u32::MAX);
    let program = [load_flags, keep_syn_and_ack, if_syn_alone, drop, pass];
    socket2::SockRef::from(&tcp.as_fd()).attach_filter(&program)
}

impl ListenError {
    /// `address` as it was asked for.
    pub(super) fn new(address: &str, error: io::Error) -> ListenError {
        ListenError { address: address.to_owned(), error, settings: "port or listen" }
    }

    /// The address is that of the metrics.
    pub(super) fn of_metrics(self) -> ListenError {
        ListenError { settings: "metrics_port", ..self }
    }

    fn hint(&self) -> String {
        match self.error.kind() {
            io::ErrorKind::AddrInUse => {
                format!(" (another program has it; choose another one with {})", self.settings)
            }
            io::ErrorKind::PermissionDenied if !self.address.starts_with("unix:") => {
                " (ports below 1024 need a privilege; try 8080)".to_owned()
            }
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_what_would_work() {
        let error = |address: &str, kind: io::ErrorKind| ListenError::new(address, kind.into());
        let taken = || error("port 80", io::ErrorKind::AddrInUse);
        assert!(taken().to_string().ends_with("choose another one with port or listen)"));
        assert!(taken().of_metrics().to_string().ends_with("choose another one with metrics_port)"));
        assert!(error("port 80", io::ErrorKind::PermissionDenied).to_string().ends_with("try 8080)"));
        assert_eq!(
            error("unix:/a", io::ErrorKind::PermissionDenied).to_string(),
            "cannot listen on unix:/a: permission denied"
        );
    }

    #[tokio::test]
    async fn connections_have_the_options_of_their_listener() {
        let bound = bind(&Address::Tcp { host: Some(Ipv4Addr::LOCALHOST.into()), port: 0 }).unwrap();
        let address = bound.address.clone();
        let listener = bound.listen().unwrap();
        let (_client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let accepted = accepted.unwrap();
        let socket = socket2::SockRef::from(&accepted);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), SILENCE);
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), MOST_UNSENT);
        assert!(socket.tcp_nodelay().unwrap());
    }
}
