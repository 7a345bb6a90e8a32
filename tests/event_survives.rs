//! CloudEvents that nobody thought of: valid ones survive every form, and bytes of any kind break nothing.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use bytes::Bytes;
use heeler::event::{Attributes, Data, Event, batch, structured};

#[allow(dead_code, reason = "others use the rest")]
#[path = "events/cases.rs"]
mod cases;
#[path = "events/checks.rs"]
mod checks;

/// Numbers that are the same in every run, so that what failed fails again.
struct Numbers(u64);

impl Numbers {
    /// xorshift64* (Marsaglia, Vigna).
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % most
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// Pieces that have a meaning somewhere, and letters of every length in UTF-8.
    fn text(&mut self, least: usize) -> String {
        let pieces = [
            "a",
            "Z",
            "0",
            " ",
            "%",
            "%41",
            "%e9",
            "%2",
            "\"",
            "\\",
            "'",
            "é",
            "€",
            "😀",
            "\u{A0}",
            "\u{FFFD}",
            "/",
            ":",
            "?",
            "#",
            ",",
            ";",
            "{",
            "}",
            "\\u0041",
            "\\n",
            "null",
            "+",
            "=",
            "~",
            "\u{10FFFD}",
        ];
        (0..least + self.below(12)).map(|_| self.one(&pieces)).collect()
    }

    fn json(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => "null".into(),
            1 => "true".into(),
            2 => self.one(&["0", "-0", "1.10", "1e400", "-12.5E-7", "123456789012345678901234567890"]).into(),
            3..6 => serde_json::to_string(&self.text(0)).unwrap(),
            6 => {
                let items: Vec<String> = (0..self.below(4)).map(|_| self.json(depth - 1)).collect();
                format!("[{}]", items.join(self.one(&[",", " , "])))
            }
            _ => {
                let members: Vec<String> = (0..self.below(4))
                    .map(|_| format!("{}: {}", serde_json::to_string(&self.text(0)).unwrap(), self.json(depth - 1)))
                    .collect();
                format!("{{{}}}", members.join(self.one(&[",", "\n,"])))
            }
        }
    }

    fn event(&mut self) -> Event {
        let source = self.one(&[
            "/a/b",
            "urn:x:y",
            "http://[::1]:80/a%20b?c=%25#d",
            "1-555",
            "/%e9",
            "#",
            "/100%2541",
            "a;b=(c)",
        ]);
        let mut attributes = Attributes::new(&self.text(1), source, &self.text(1)).unwrap();
        let mut maybe = |name: &str, value: &str| {
            if self.below(2) == 0 {
                attributes.set(name, value).unwrap();
            }
        };
        maybe("time", "2018-04-05T17:31:00.10-07:00");
        maybe("dataschema", "http://a/b%20c?d=%2520");
        maybe("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        maybe("empty", "");
        for _ in 0..self.below(3) {
            let name = format!("e{}", self.below(1000));
            attributes.set(&name, &self.text(0)).unwrap();
        }
        if self.below(2) == 0 {
            attributes.set("subject", &self.text(1)).unwrap();
        }
        let types = [
            "application/json",
            "Application/Vnd.X+JSON; v=\"1;2\"",
            "text/plain",
            "text/plain; charset=utf-16",
            "image/png",
            "application/xml;charset=\"UTF-8\"",
            "*/*",
            "application/cloudevent+xjson",
        ];
        if self.below(4) > 0 {
            attributes.set("datacontenttype", self.one(&types)).unwrap();
        }
        let data = match self.below(5) {
            0 => None,
            1 => Some(Data::text(self.text(0))),
            2 => {
                let text = [self.one(&["", " ", "\r\n\t"]), &self.json(3), self.one(&["", "\n"])].concat();
                Some(Data::binary(text.into()))
            }
            3 => Some(Data::json(&self.json(3).into()).unwrap()),
            _ => Some(Data::binary((0..self.below(40)).map(|_| self.next().to_le_bytes()[7]).collect())),
        };
        Event { attributes, data }
    }

    /// Something changed, taken out, doubled, or brought in from elsewhere.
    fn spoil(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(8)).min(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] = self.next().to_le_bytes()[7],
                1 => drop(bytes.drain(at..end)),
                2 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
                3 => bytes.truncate(at),
                4 => {
                    let pieces = [
                        "\"", "\\u", "{", "}", "[", "]", ",", ":", "%", "null", "1e9", "\\", "\n", "ce-", "é",
                        "\u{FEFF}",
                    ];
                    drop(bytes.splice(at..end, self.one(&pieces).bytes()));
                }
                _ if !other.is_empty() => {
                    let from = self.below(other.len());
                    let to = (from + self.below(30)).min(other.len());
                    drop(bytes.splice(at..end, other[from..to].iter().copied()));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn any_event_survives_every_form() {
    let mut numbers = Numbers(0x5EED);
    for _ in 0..20_000 {
        checks::survives(&numbers.event());
    }
}

#[test]
fn many_events_survive_one_batch() {
    let mut numbers = Numbers(0xBA7C4);
    for _ in 0..200 {
        let events: Vec<Event> = (0..numbers.below(50)).map(|_| numbers.event()).collect();
        let elements = batch::split(&batch::join(&events), 50).unwrap();
        assert_eq!(elements.len(), events.len());
        for (element, event) in elements.into_iter().zip(&events) {
            let element = element.unwrap();
            assert_eq!(element.json, structured::encode(event));
            checks::same(event, &element.event);
        }
    }
}

/// The texts of all cases, as bytes for each decoder.
fn seeds() -> [Vec<Vec<u8>>; 3] {
    let binary = cases::read("binary").into_iter().map(|case| {
        let (headers, body) = cases::request(&case);
        let lines = headers
            .iter()
            .flat_map(|(name, value)| [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
        lines.chain(*b"\n").chain(body).collect()
    });
    let structured = cases::read("structured").iter().map(|case| cases::body(case).to_vec()).collect();
    let batch = cases::read("batch").iter().map(|case| case["body"].as_str().unwrap().into()).collect();
    [binary.collect(), structured, batch]
}

type Check = fn(&[u8]);

const DECODERS: [(&str, Check); 3] =
    [("binary", checks::any_binary), ("structured", checks::any_structured), ("batch", checks::any_batch)];

#[test]
fn spoiled_events_break_nothing() {
    let mut numbers = Numbers(0xBAD);
    for ((_, decode), seeds) in DECODERS.into_iter().zip(seeds()) {
        for _ in 0..20_000 {
            let mut bytes = seeds[numbers.below(seeds.len())].clone();
            let other = &seeds[numbers.below(seeds.len())];
            numbers.spoil(&mut bytes, other);
            decode(&bytes);
        }
    }
}

#[test]
fn every_beginning_of_an_event_breaks_nothing() {
    for ((_, decode), seeds) in DECODERS.into_iter().zip(seeds()) {
        for seed in seeds {
            for end in 0..=seed.len() {
                decode(&seed[..end]);
            }
        }
    }
}

#[test]
fn what_the_fuzzer_found_worth_keeping_breaks_nothing() {
    use base64::Engine;
    for (name, decode) in DECODERS {
        let path = format!("{}/tests/corpus/{name}.base64", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(text.lines().count() > 100, "{path}");
        for line in text.lines() {
            decode(&base64::engine::general_purpose::STANDARD.decode(line).unwrap());
        }
    }
}

#[test]
fn large_hostile_bodies_take_no_time_and_no_stack() {
    let started = std::time::Instant::now();
    let size = 1 << 20;
    let names: String = (0..size / 10).map(|n| format!("\"a{n:x}\":1,")).collect();
    for body in [
        "[".repeat(size),
        "{\"a\":".repeat(size / 5),
        format!("{{\"data\":{}", "[{\"a\":".repeat(size / 6)),
        format!("[{}1]", "[],".repeat(size / 3)),
        format!("{{{names}\"id\":\"1\"}}"),
        format!("{{{}\"id\":\"1\"}}", "\"a\":null,".repeat(size / 9)),
        format!("{{\"{}\":1}}", "\\u0061".repeat(size / 6)),
        format!("{{\"id\":\"{}", "\\\"".repeat(size / 2)),
        format!("{{\"id\":{}}}", "9".repeat(size)),
        format!("{{\"data_base64\":\"{}\"}}", "\\/".repeat(size / 2)),
    ] {
        let body = Bytes::from(body);
        assert!(structured::decode(&body).is_err());
        assert!(batch::split(&body, usize::MAX).map_or(true, |found| found.iter().all(Result::is_err)));
    }
    // Each of them in milliseconds: this allows for a slow machine, not for a square of the size.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
