//! Bodies that are read while they are made.

use super::{Conn, Gate, Request, assert_same};

/// Sends `length` bytes, piece after piece, while it reads; each byte has to come back at its place.
#[track_caller]
pub fn flow(conn: &mut Conn, path: &str, piece: &[u8], length: usize) {
    conn.send(format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n").as_bytes());
    let mut writer = conn.twin();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..length / piece.len()).all(|_| writer.send(piece)));
        assert_eq!(conn.read_head().expect("a head").status, 200);
        let mut seen = 0;
        while let Some(chunk) = conn.read_chunk().expect("a chunk") {
            let at = seen % piece.len();
            let (first, rest) = chunk.split_at(chunk.len().min(piece.len() - at));
            assert_same(first, &piece[at..at + first.len()], "the body");
            assert_same(rest, &piece[..rest.len()], "the body");
            seen += chunk.len();
        }
        assert_eq!(seen, length);
    });
}

/// Asks for `/events`, of which each is made when the gate has let the one before it go, and reads them as they come.
#[track_caller]
pub fn three_events(conn: &mut Conn, gate: &Gate) {
    conn.send(&Request::get("/events").bytes());
    let head = conn.read_head().expect("a head");
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    for number in 0..3 {
        let event = conn.read_chunk().expect("an event");
        assert_eq!(event.as_deref(), Some(format!("data: {number}\n\n").as_bytes()));
        gate.let_go(&format!("open.{number}"));
    }
    assert_eq!(conn.read_chunk().expect("the end"), None);
}
