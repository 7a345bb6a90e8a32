//! A large body that goes to an echo and comes back, both at the same time.

use super::{Conn, assert_same};

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
