//! What is sent and what came, as HTTP/1 has it.

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) method: String,
    pub(super) target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    chunked: bool,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Request {
        let (method, target) = (method.to_owned(), target.to_owned());
        Request { method, target, headers: Vec::new(), body: None, chunked: false }
    }

    pub fn get(target: &str) -> Request {
        Request::new("GET", target)
    }

    pub fn post(target: &str, body: impl Into<Vec<u8>>) -> Request {
        Request::new("POST", target).body(body)
    }

    /// A call of one of the fixture's roles; heeler runs `testfn do`.
    pub fn role(words: &str) -> Request {
        Request::get("/").header("X-Do", words)
    }

    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn gate(self, gate: &super::Gate) -> Request {
        let path = gate.path().to_owned();
        self.header("X-Gate", &path)
    }

    /// With its Content-Length.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = Some(body.into());
        self
    }

    /// In pieces, without a Content-Length.
    pub fn chunked(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.chunked = true;
        self.body(body)
    }

    pub fn method(mut self, method: &str) -> Request {
        method.clone_into(&mut self.method);
        self
    }

    pub fn target(mut self, target: &str) -> Request {
        target.clone_into(&mut self.target);
        self
    }

    /// The head alone.
    pub fn head_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head += "Host: heeler.test\r\n";
        }
        match &self.body {
            Some(_) if self.chunked => head += "Transfer-Encoding: chunked\r\n",
            Some(body) => head += &format!("Content-Length: {}\r\n", body.len()),
            None => {}
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        (head + "\r\n").into_bytes()
    }

    fn body_bytes(&self) -> Vec<u8> {
        let body = self.body.clone().unwrap_or_default();
        if !self.chunked {
            return body;
        }
        // Sizes that fit no buffer of anybody.
        let mut bytes = Vec::with_capacity(body.len() + body.len() / 100 + 16);
        for piece in body.chunks(8191) {
            bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.head_bytes(), self.body_bytes()].concat()
    }
}

/// What came.
#[derive(Clone, Debug, Default)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
}

impl Response {
    /// The only value of a header.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "{name} comes {} times", values.len());
        values.first().copied()
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        let wanted = self.headers.iter().filter(|(of, _)| of.eq_ignore_ascii_case(name));
        wanted.map(|(_, value)| value.as_str()).collect()
    }

    /// The first value of a trailer.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.iter().find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The word for an answer that heeler made itself.
    #[track_caller]
    pub fn reason(&self) -> &str {
        self.header("x-heeler-reason").unwrap_or("")
    }

    pub fn is_chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }

    pub fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// `NAME=value` of an environment that the fixture printed.
    pub fn variable(&self, name: &str) -> Option<String> {
        let text = self.text();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    }

    /// Asserts a status and the word of an answer that heeler made itself.
    #[track_caller]
    pub fn assert_made_by_heeler(&self, status: u16, reason: &str) {
        assert_eq!((self.status, self.reason()), (status, reason), "{:?} {}", self.headers, self.text());
    }

    #[track_caller]
    pub fn assert_ok(&self) -> &Response {
        assert_eq!(self.status, 200, "{:?} {}", self.headers, self.text());
        self
    }
}
