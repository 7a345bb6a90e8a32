//! The options of `heeler invoke`. Nothing is read and nobody asked yet; every mistake is found at once.

use std::ffi::OsString;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

use super::data::Source;
use super::event;
use crate::duration;

pub(super) const HELP: &str = "\
heeler invoke [URL] [options]

Sends one HTTP call or CloudEvent to a running function and shows the answer: its status and headers on stderr, its body
on stdout.

URL is http://host:port/path, unix:/path/of.sock (a call of / on it) or unix:/path/of.sock:/call. A path alone (/x?y=1),
or nothing, is a call to the instance in this container: to the address in its lock file, else in the settings.

  -d, --data TEXT          the body; - is stdin
      --data-file FILE     the same from a file; - is stdin
  -t, --content-type TYPE  what the body is (default: application/json if it is JSON, text/plain if it is text,
                           else application/octet-stream)
  -H, --header 'N: V'      a header; may be given again
  -X, --method M           the method (default: POST with a body or an event, else GET)
      --timeout TIME       how long all of it may take, as 10s or 500ms; 0 is as long as it takes (default: 30s)
  -h, --help               this text

  -e, --event              send a CloudEvent
      --type T             its type (default: heeler.invoke)
      --source S           its source (default: heeler/invoke)
      --id I               its id (default: a random one)
      --subject S          its subject
      --extension k=v      an attribute of an extension, as text; may be given again
      --binary             attributes as headers, data as the body (default)
      --structured         all in one JSON object
      --batch N            N copies in one JSON array, with the ids I-1 to I-N

Exit codes: 0 for an answer of 2xx, 1 for another answer, 2 for none, 64 for wrong options.
";

const PATIENCE: Duration = Duration::from_secs(30);

/// What was asked for.
#[derive(Debug)]
pub(super) enum Asked {
    Invoke(Box<Options>),
    Help,
}

/// What to send where.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) url: Option<String>,
    pub(super) data: Option<Source>,
    pub(super) content_type: Option<String>,
    /// Names and values, as they go out.
    pub(super) headers: Vec<(String, String)>,
    pub(super) method: Option<String>,
    /// `None`: as long as it takes.
    pub(super) timeout: Option<Duration>,
    pub(super) event: Option<event::Options>,
}

/// Reads what stands behind `heeler invoke`.
pub(super) fn parse(args: Vec<OsString>) -> Result<Asked, Vec<String>> {
    let mut reader = Reader {
        parser: Parser::from_args(args),
        options: Options { timeout: Some(PATIENCE), ..Options::default() },
        event: event::Options::default(),
        only_for_events: Vec::new(),
        is_event: false,
        mistakes: Vec::new(),
    };
    if reader.read() {
        return Ok(Asked::Help);
    }
    reader.finish()
}

struct Reader {
    parser: Parser,
    options: Options,
    event: event::Options,
    /// Options that mean nothing without `--event`.
    only_for_events: Vec<&'static str>,
    is_event: bool,
    mistakes: Vec<String>,
}

impl Reader {
    /// Whether the help was asked for.
    fn read(&mut self) -> bool {
        loop {
            // The argument borrows the parser, which is needed for its value.
            let name = match self.parser.next() {
                Ok(None) => return false,
                Ok(Some(Arg::Short('h') | Arg::Long("help"))) => return true,
                Ok(Some(Arg::Value(url))) => {
                    self.url(url);
                    continue;
                }
                Ok(Some(arg)) => match known(&arg) {
                    Some(name) => name,
                    None => {
                        let error = arg.unexpected();
                        self.mistakes.push(format!("{error} (try heeler invoke --help)"));
                        continue;
                    }
                },
                Err(error) => {
                    self.mistakes.push(format!("{error} (try heeler invoke --help)"));
                    continue;
                }
            };
            if !self.flag(name)
                && let Err(mistake) = self.value(name)
            {
                self.mistakes.push(mistake);
            }
        }
    }

    fn url(&mut self, word: OsString) {
        match (word.into_string(), &self.options.url) {
            (Ok(url), None) => self.options.url = Some(url),
            (Ok(word), Some(_)) => self.mistakes.push(format!("{word:?} is one word too many (one URL is enough)")),
            (Err(word), _) => self.mistakes.push(format!("{word:?} is not UTF-8 (percent-escape it)")),
        }
    }

    /// Options without a value; `false` if it is none of them.
    fn flag(&mut self, name: &'static str) -> bool {
        match name {
            "--event" => self.is_event = true,
            "--binary" => self.form(name, event::Form::Binary),
            "--structured" => self.form(name, event::Form::Structured),
            _ => return false,
        }
        true
    }

    fn value(&mut self, name: &'static str) -> Result<(), String> {
        let value = self.parser.value().and_then(ValueExt::string);
        let value = value.map_err(|error| format!("{error} (try heeler invoke --help)"))?;
        match name {
            "--data" => return self.data(Source::argument(value)),
            "--data-file" => return self.data(Source::file(value)),
            "--content-type" => self.options.content_type = Some(media_type(&value)?),
            "--header" => self.options.headers.push(header(&value)?),
            "--method" => self.options.method = Some(method(&value)?),
            "--timeout" => self.options.timeout = timeout(&value)?,
            "--batch" => {
                let count = value.parse().ok().filter(|count| *count > 0);
                let wrong = || format!("--batch: {value:?} is not a number of events (try 1, 10, 100)");
                self.form(name, event::Form::Batch(count.ok_or_else(wrong)?));
            }
            _ => {
                self.only_for_events.push(name);
                self.event.set(name, value)?;
            }
        }
        Ok(())
    }

    fn data(&mut self, source: Source) -> Result<(), String> {
        match self.options.data.replace(source) {
            None => Ok(()),
            Some(_) => Err("--data: there is a body already (one --data or --data-file is enough)".to_owned()),
        }
    }

    fn form(&mut self, name: &'static str, form: event::Form) {
        self.only_for_events.push(name);
        match self.event.form.replace(form) {
            None => {}
            Some(before) => self.mistakes.push(format!("{name}: the event is {before} already (choose one)")),
        }
    }

    fn finish(mut self) -> Result<Asked, Vec<String>> {
        if self.is_event {
            self.options.event = Some(self.event);
        } else {
            let lost = |name: &&str| format!("{name}: means nothing without an event (add --event)");
            self.mistakes.extend(self.only_for_events.iter().map(lost));
        }
        let names = |name: &str| self.options.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if names("content-type") && (self.is_event || self.options.content_type.is_some()) {
            self.mistakes.push("--header: the Content-Type is set already (give --content-type alone)".to_owned());
        }
        if self.mistakes.is_empty() { Ok(Asked::Invoke(Box::new(self.options))) } else { Err(self.mistakes) }
    }
}

fn known(arg: &Arg<'_>) -> Option<&'static str> {
    const LONG: [&str; 15] = [
        "--data",
        "--data-file",
        "--content-type",
        "--header",
        "--method",
        "--timeout",
        "--event",
        "--type",
        "--source",
        "--id",
        "--subject",
        "--extension",
        "--binary",
        "--structured",
        "--batch",
    ];
    match arg {
        Arg::Short('d') => Some("--data"),
        Arg::Short('t') => Some("--content-type"),
        Arg::Short('H') => Some("--header"),
        Arg::Short('X') => Some("--method"),
        Arg::Short('e') => Some("--event"),
        Arg::Long(name) => LONG.into_iter().find(|known| &known[2..] == *name),
        _ => None,
    }
}

/// One word of HTTP (RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn method(text: &str) -> Result<String, String> {
    if is_token(text) { Ok(text.to_owned()) } else { Err(format!("--method: {text:?} is no method (try POST)")) }
}

fn media_type(text: &str) -> Result<String, String> {
    let kind = text.split(';').next().unwrap_or_default().trim();
    let is_one = kind.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    if is_one && is_value(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("--content-type: {text:?} is no media type (try application/json)"))
    }
}

/// What heeler says itself, or would be another message than the one that was sent.
const OURS: [&str; 3] = ["content-length", "transfer-encoding", "connection"];

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').unwrap_or((text, "\n"));
    let value = value.trim_matches([' ', '\t']);
    if !is_token(name) || !is_value(value) {
        return Err(format!("--header: {text:?} is no header (try 'X-Name: value')"));
    }
    if OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
        return Err(format!("--header: {name:?} is for heeler to say (leave it out)"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// RFC 9110 §5.5; bytes above ASCII pass as they are.
fn is_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || !byte.is_ascii_control())
}

fn timeout(text: &str) -> Result<Option<Duration>, String> {
    let time = duration::parse(text).map_err(|wrong| format!("--timeout: {text:?} {wrong}"))?;
    Ok(Some(time).filter(|time| !time.is_zero()))
}
