//! Text fields, each ended by one NUL: no header holds one, so its bytes pass as they are.

use bytes::{BufMut, Bytes, BytesMut};

/// Puts one.
pub(super) fn put(out: &mut BytesMut, field: &[u8]) {
    out.put_slice(field);
    out.put_u8(0);
}

/// Puts a name and its value.
pub(super) fn put_pair(out: &mut BytesMut, name: &str, value: &[u8]) {
    put(out, name.as_bytes());
    put(out, value);
}

/// Takes them one by one; each shares the memory of the whole.
#[derive(Clone, Debug)]
pub(super) struct Fields(Bytes);

impl Fields {
    /// `None` if the last one has no end.
    pub(super) fn new(bytes: Bytes) -> Option<Fields> {
        matches!(bytes.last(), None | Some(0)).then_some(Fields(bytes))
    }

    fn left(&self) -> usize {
        self.0.iter().filter(|byte| **byte == 0).count()
    }
}

impl Iterator for Fields {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let mut field = self.0.split_to(end + 1);
        field.truncate(end);
        Some(field)
    }
}

/// A name and its value.
pub(super) type Pair = (Bytes, Bytes);

/// Fields that come in pairs.
#[derive(Clone, Debug)]
pub(super) struct Pairs(Fields);

impl Pairs {
    /// `None` if they do not come out even.
    pub(super) fn new(bytes: Bytes) -> Option<Pairs> {
        let pairs = Pairs(Fields::new(bytes)?);
        pairs.0.left().is_multiple_of(2).then_some(pairs)
    }

    /// How many there are still.
    pub(super) fn left(&self) -> usize {
        self.0.left() / 2
    }
}

impl Iterator for Pairs {
    type Item = Pair;

    fn next(&mut self) -> Option<Pair> {
        Some((self.0.next()?, self.0.next()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_out_as_they_went_in() {
        let mut out = BytesMut::new();
        for field in [&b"a"[..], b"", b"\xff b"] {
            put(&mut out, field);
        }
        let fields: Vec<_> = Fields::new(out.freeze()).unwrap().collect();
        assert_eq!(fields, [&b"a"[..], b"", b"\xff b"]);
        assert_eq!(Fields::new(Bytes::new()).unwrap().count(), 0);
        assert!(Fields::new(Bytes::from_static(b"a\0b")).is_none());
    }

    #[test]
    fn pairs_come_out_even() {
        let mut pairs = Pairs::new(Bytes::from_static(b"a\0b\0\0d\0")).unwrap();
        assert_eq!((pairs.left(), pairs.next().unwrap()), (2, ("a".into(), "b".into())));
        assert_eq!((pairs.left(), pairs.next().unwrap()), (1, ("".into(), "d".into())));
        assert_eq!((pairs.left(), pairs.next()), (0, None));
        for odd in [&b"a\0"[..], b"a\0b\0c\0", b"a\0b"] {
            assert!(Pairs::new(Bytes::from_static(odd)).is_none());
        }
    }
}
