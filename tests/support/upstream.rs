//! A server behind heeler that the test plays itself, byte by byte.

use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::asked::Asked;
use super::heeler::{Builder, Heeler};
use super::link::Link;
use super::{Conn, PATIENCE, Request};

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Keep,
    Close,
}

/// A listener whose connections the test takes one by one, or leaves to a function.
pub struct Upstream {
    listener: Arc<Socket>,
    url: String,
    links: Mutex<Receiver<Link>>,
    /// Connections on which something came.
    used: Arc<AtomicUsize>,
}

impl Upstream {
    /// On a free port of the loopback; the test takes the connections.
    pub fn new() -> Upstream {
        Upstream::on(tcp((Ipv4Addr::LOCALHOST, 0).into()))
    }

    /// On the loopback of IPv6 only.
    pub fn new_v6() -> Upstream {
        Upstream::on(tcp((Ipv6Addr::LOCALHOST, 0).into()))
    }

    /// On a Unix socket.
    pub fn at(path: &Path) -> Upstream {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        socket.bind(&SockAddr::unix(path).expect("a short path")).expect("a new path");
        Upstream::on(socket)
    }

    fn on(listener: Socket) -> Upstream {
        let (sender, links) = channel();
        let sender = Mutex::new(sender);
        // The test may be over before heeler's last connection.
        Upstream::begin(listener, links, move |link| drop(sender.lock().unwrap().send(link)))
    }

    /// Each request of each connection is answered by this function, a thread for each connection.
    pub fn serve(play: impl Fn(&mut Link, Asked) -> Then + Send + Sync + 'static) -> Upstream {
        Upstream::serve_on(0, play)
    }

    /// Each answer is its request's body.
    pub fn echo() -> Upstream {
        Upstream::serve(|link, asked| {
            link.ok(asked.body);
            Then::Keep
        })
    }

    /// As [`Upstream::serve`], on a port that the test has chosen.
    pub fn serve_on(port: u16, play: impl Fn(&mut Link, Asked) -> Then + Send + Sync + 'static) -> Upstream {
        let (_, links) = channel();
        let each = move |mut link: Link| {
            while let Some(asked) = link.try_request() {
                if play(&mut link, asked) == Then::Close {
                    return;
                }
            }
        };
        Upstream::begin(tcp((Ipv4Addr::LOCALHOST, port).into()), links, each)
    }

    /// Each connection is left to this function as soon as something has come.
    pub fn serve_links(play: impl Fn(Link) + Send + Sync + 'static) -> Upstream {
        let (_, links) = channel();
        Upstream::begin(tcp((Ipv4Addr::LOCALHOST, 0).into()), links, play)
    }

    fn begin(listener: Socket, links: Receiver<Link>, play: impl Fn(Link) + Send + Sync + 'static) -> Upstream {
        listener.listen(1024).expect("a listener");
        let url = url_of(&listener);
        let (listener, used, play) = (Arc::new(listener), Arc::new(AtomicUsize::new(0)), Arc::new(play));
        let (accepting, counter) = (listener.clone(), used.clone());
        std::thread::spawn(move || {
            while let Ok((socket, _)) = accepting.accept() {
                let (play, counter) = (play.clone(), counter.clone());
                std::thread::spawn(move || {
                    // heeler also connects without a word, to see whether somebody accepts.
                    if let Some(link) = Link::once_it_speaks(socket, &counter) {
                        play(link);
                    }
                });
            }
        });
        Upstream { listener, url, links: Mutex::new(links), used }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().ok().and_then(|address| address.as_socket()).expect("a port").port()
    }

    /// How many connections were used so far; those on which no byte came are left out.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }

    /// The next connection on which something comes.
    #[track_caller]
    pub fn accept(&self) -> Link {
        self.accept_within(PATIENCE).expect("heeler connects to the upstream")
    }

    pub fn accept_within(&self, time: Duration) -> Option<Link> {
        self.links.lock().unwrap().recv_timeout(time).ok()
    }

    /// From now on connections are refused; those that are open stay, and nobody else gets the port.
    pub fn refuse(&self) {
        self.listener.shutdown(Shutdown::Both).expect("the listener closes");
    }

    /// heeler before this upstream, not yet started. The process it starts stays there and does nothing.
    pub fn builder(&self) -> Builder {
        Heeler::builder().role("http", "hang").env("http_upstream_url", &self.url)
    }

    /// heeler before this upstream.
    #[track_caller]
    pub fn heeler(&self, env: &[(&str, &str)]) -> Heeler {
        self.builder().envs(env).start()
    }

    /// What the upstream sees of a small request, which is then answered.
    #[track_caller]
    pub fn see(&self, heeler: &Heeler, request: &Request) -> Asked {
        self.see_raw(heeler, &request.bytes())
    }

    /// A call that the upstream has read.
    #[track_caller]
    pub fn asked(&self, heeler: &Heeler, request: &Request) -> (Conn, Link) {
        let mut conn = heeler.conn();
        conn.send(&request.bytes());
        let mut link = self.accept();
        link.read_request();
        (conn, link)
    }

    /// What the upstream sees of a small request given as bytes.
    #[track_caller]
    pub fn see_raw(&self, heeler: &Heeler, request: &[u8]) -> Asked {
        let mut conn = heeler.conn();
        conn.send(request);
        let mut link = self.accept();
        let asked = link.read_request();
        link.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        conn.read_response(asked.method()).expect("a whole answer").assert_ok();
        asked
    }

    /// What the client gets for a GET that the upstream answers with these bytes and then closes.
    #[track_caller]
    pub fn answer_raw(&self, heeler: &Heeler, answer: &[u8]) -> Result<super::Response, super::Failure> {
        let mut conn = heeler.conn();
        conn.send(&Request::get("/").bytes());
        let mut link = self.accept();
        link.read_request();
        link.send(answer);
        drop(link);
        conn.read_response("GET")
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // Ends the thread that accepts.
        let _ = self.listener.shutdown(Shutdown::Both);
    }
}

fn tcp(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.bind(&address.into()).expect("a free port of the loopback");
    socket
}

fn url_of(listener: &Socket) -> String {
    let address = listener.local_addr().expect("an address");
    match (address.as_socket(), address.as_pathname()) {
        (Some(address), _) => format!("http://{address}"),
        (None, Some(path)) => format!("unix:{}", path.display()),
        (None, None) => panic!("an address of no kind"),
    }
}
