//! Where frames of a WebSocket end, so that heeler can say something between two of them (RFC 6455 §5.2).

/// A position in one direction's stream of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frames {
    head: [u8; 10],
    /// Bytes of a head that are there.
    seen: usize,
    /// Bytes of the frame behind its head, its mask included, that are still to come.
    left: u64,
}

impl Frames {
    /// These bytes have gone by.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let some = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= some as u64;
                bytes = &bytes[some..];
                continue;
            }
            self.head[self.seen] = bytes[0];
            self.seen += 1;
            bytes = &bytes[1..];
            if self.seen == self.head_length() {
                self.left = self.rest();
                self.seen = 0;
            }
        }
    }

    /// Whether the last frame is complete.
    pub(super) fn at_boundary(&self) -> bool {
        self.seen == 0 && self.left == 0
    }

    fn head_length(&self) -> usize {
        match (self.seen, self.head[1] & 0x7f) {
            (1, _) => 2,
            (_, 126) => 4,
            (_, 127) => 10,
            _ => 2,
        }
    }

    fn rest(&self) -> u64 {
        let head = &self.head;
        let length = match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([head[2], head[3]])),
            127 => head[2..].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
            length => u64::from(length),
        };
        let mask = if head[1] & 0x80 == 0 { 0 } else { 4 };
        length.saturating_add(mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_where_frames_end() {
        let mut stream = vec![0x81, 0x02, b'h', b'i'];
        stream.extend([0x82, 0x80 | 3, 9, 9, 9, 9, 1, 2, 3]);
        stream.extend([0x82, 126, 0, 200]);
        stream.extend([7; 200]);
        stream.extend([0x82, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        stream.extend([7; 65_536 + 4]);
        stream.extend([0x89, 0]);
        let ends = [4, 13, 217, 217 + 10 + 65_540, 217 + 10 + 65_540 + 2];
        for step in [1, 2, 3, 7, 1000] {
            let (mut frames, mut at) = (Frames::default(), 0);
            for piece in stream.chunks(step) {
                frames.pass(piece);
                at += piece.len();
                assert_eq!(frames.at_boundary(), ends.contains(&at), "{at}");
            }
        }
    }
}
