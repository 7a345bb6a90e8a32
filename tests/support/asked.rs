//! A request as the upstream sees it.

use std::collections::BTreeSet;

/// Names as they came; values may be any bytes.
pub type Fields = Vec<(String, Vec<u8>)>;

#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `GET / HTTP/1.1`
    pub line: String,
    pub headers: Fields,
    pub body: Vec<u8>,
    pub trailers: Fields,
}

impl Asked {
    /// Of everything before the empty line.
    #[track_caller]
    pub fn parse(head: &[u8]) -> Asked {
        let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = lines.next().unwrap_or_default();
        let line = String::from_utf8(line.to_vec()).expect("a request line of plain letters");
        Asked { line, headers: lines.map(field).collect(), ..Asked::default() }
    }

    #[track_caller]
    fn word(&self, at: usize) -> &str {
        self.line.split(' ').nth(at).unwrap_or_else(|| panic!("not a request line: {:?}", self.line))
    }

    #[track_caller]
    pub fn method(&self) -> &str {
        self.word(0)
    }

    #[track_caller]
    pub fn target(&self) -> &str {
        self.word(1)
    }

    /// All values of a header, in order.
    pub fn all(&self, name: &str) -> Vec<String> {
        all(&self.headers, name)
    }

    /// The only value of a header.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<String> {
        let mut values = self.all(name);
        assert!(values.len() < 2, "{name} comes as {values:?}");
        values.pop()
    }

    /// A header that may come in several lines, as one list.
    pub fn list(&self, name: &str) -> String {
        self.all(name).join(", ")
    }

    /// Names of all headers in small letters.
    pub fn names(&self) -> BTreeSet<String> {
        self.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect()
    }

    pub fn trailer(&self, name: &str) -> Vec<String> {
        all(&self.trailers, name)
    }

    #[track_caller]
    pub fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    }

    /// Asserts a body that came with its length and in no other way.
    #[track_caller]
    pub fn assert_length(&self, length: usize) {
        assert_eq!(self.all("content-length"), [length.to_string()], "{self:?}");
        assert_eq!(self.all("transfer-encoding"), [""; 0], "{self:?}");
    }

    /// Asserts that nothing speaks of a body.
    #[track_caller]
    pub fn assert_no_framing(&self) {
        let framing = [self.all("content-length"), self.all("transfer-encoding")].concat();
        assert_eq!(framing, [""; 0], "{self:?}");
        assert_eq!(self.body, b"");
    }
}

fn all(fields: &Fields, name: &str) -> Vec<String> {
    let wanted = fields.iter().filter(|(of, _)| of.eq_ignore_ascii_case(name));
    wanted.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

#[track_caller]
pub fn field(line: &[u8]) -> (String, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':');
    let colon = colon.unwrap_or_else(|| panic!("no colon in {:?}", String::from_utf8_lossy(line)));
    let name = String::from_utf8(line[..colon].to_vec()).expect("a name of plain letters");
    (name, line[colon + 1..].trim_ascii().to_vec())
}
