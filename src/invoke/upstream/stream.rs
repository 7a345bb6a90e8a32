//! A connection to the upstream, of either kind.

use tokio::net::{TcpStream, UnixStream};

/// Either kind of stream.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}
