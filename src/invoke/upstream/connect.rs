//! From a target to a connection, over whichever of its addresses answers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::sleep;

use super::endpoint::Target;
use super::names;
use super::stream::Stream;

/// A Unix socket with a full backlog refuses with EAGAIN at once, where TCP would try again by itself.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// Connects. Takes as long as the kernel does: the caller has the deadline.
pub(super) async fn connect(target: &Target) -> io::Result<Stream> {
    match target {
        Target::Tcp { host, port } => tcp(host, *port).await.map(Stream::Tcp),
        Target::Unix(path) => unix(path).await.map(Stream::Unix),
    }
}

/// The same, with what a name stands for asked anew: a connection that is kept is seldom made, and its server moves.
pub(super) async fn anew(target: &Target) -> io::Result<Stream> {
    names::forget();
    connect(target).await
}

/// Whether the host is this machine's own by its usual names. A server that was told `localhost` may listen on either
/// address of it, Node on ::1 alone.
pub(super) fn is_localhost(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host == "127.0.0.1"
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    if is_localhost(host) {
        return localhost(port).await;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return to((address, port).into()).await;
    }
    let connected = first_of(&names::look_up(host, port).await?).await;
    if connected.is_err() {
        // The name may stand for another address by now.
        names::forget();
    }
    connected
}

async fn localhost(port: u16) -> io::Result<TcpStream> {
    match to((Ipv4Addr::LOCALHOST, port).into()).await {
        Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
            to((Ipv6Addr::LOCALHOST, port).into()).await.map_err(|_| refused)
        }
        connected => connected,
    }
}

/// The first one that answers; else the first one's error.
async fn first_of(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut error = None;
    for address in addresses {
        match to(*address).await {
            Ok(stream) => return Ok(stream),
            Err(other) => error = error.or(Some(other)),
        }
    }
    Err(error.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

async fn to(address: SocketAddr) -> io::Result<TcpStream> {
    prepared(TcpStream::connect(address).await?, address)
}

fn prepared(stream: TcpStream, address: SocketAddr) -> io::Result<TcpStream> {
    // Where nobody listens on a port of the kernel's own range, the kernel may choose that very port for our end, and
    // the socket is connected to itself. The handler could not bind it then.
    if stream.local_addr()? == address {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    // Requests are written in one piece or flushed on purpose: nothing to gather.
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn unix(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(FULL_PAUSE).await,
            connected => return connected,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn target(host: &str, port: u16) -> Target {
        Target::Tcp { host: host.to_owned(), port }
    }

    fn listener(address: &str) -> Option<(TcpListener, u16)> {
        let listener = TcpListener::bind(address).ok()?;
        let port = listener.local_addr().ok()?.port();
        Some((listener, port))
    }

    /// Who is reached by these hosts; empty where nobody is.
    async fn reached(hosts: &[&str], port: u16) -> Vec<String> {
        let mut seen = Vec::new();
        for host in hosts {
            seen.push(match connect(&target(host, port)).await {
                Ok(Stream::Tcp(stream)) => stream.peer_addr().unwrap().ip().to_string(),
                Ok(Stream::Unix(_)) => panic!("{host} is no path"),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{host}: {error}");
                    String::new()
                }
            });
        }
        seen
    }

    #[tokio::test]
    async fn localhost_is_either_of_its_addresses() {
        let (_v4, port) = listener("127.0.0.1:0").unwrap();
        let hosts = ["127.0.0.1", "localhost", "LOCALHOST", "::1"];
        assert_eq!(reached(&hosts, port).await, ["127.0.0.1", "127.0.0.1", "127.0.0.1", ""]);
        let Some((_v6, port)) = listener("[::1]:0") else { return };
        assert_eq!(reached(&hosts, port).await, ["::1"; 4]);
        // An address of the loopback that was named by hand is that one and no other.
        assert_eq!(reached(&["127.0.0.2"], port).await, [""]);
    }

    #[tokio::test]
    async fn other_names_are_looked_up() {
        let (listener, port) = listener("127.0.0.1:0").unwrap();
        // Not an address to Rust, but one to the resolver, without asking anybody.
        assert_eq!(reached(&["127.1"], port).await, ["127.0.0.1"]);
        drop(listener);
        assert_eq!(reached(&["127.1"], port).await, [""]);
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_named() {
        // Longer than a label can be (RFC 1035 §2.3.4): no server needs to be asked.
        let host = "a".repeat(64);
        let error = connect(&target(&host, 80)).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot resolve {host:?}: ")), "{error}");
    }

    #[tokio::test]
    async fn a_socket_that_is_connected_to_itself_is_nobody() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let itself = socket.connect(address).await.unwrap();
        assert_eq!(itself.peer_addr().unwrap(), address);
        assert_eq!(prepared(itself, address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn unix_sockets_are_reached_also_with_a_full_backlog() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        socket.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
        let refused = connect(&Target::Unix(path.clone())).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        socket.listen(0).unwrap();
        let _first = connect(&Target::Unix(path.clone())).await.unwrap();
        let mut second = Box::pin(async { connect(&Target::Unix(path)).await.map(drop) });
        assert!(now(second.as_mut()).await.is_none(), "a backlog of none holds one");
        drop(socket.accept().unwrap());
        second.await.unwrap();
    }

    /// One look at a future.
    async fn now<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        tokio::select! {
            biased;
            value = future => Some(value),
            () = std::future::ready(()) => None,
        }
    }
}
