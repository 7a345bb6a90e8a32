//! Results on their way to a sink (`reply=sink`): each is sent until it is taken, refused for good, or too late.
//!
//! No answer, and an answer that may be another one next time, mean that it is sent again, with the same id: what a sink
//! has taken without a word of it comes twice (at least once, as all deliveries of Knative's).

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_ENCODING, HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{HeaderMap, StatusCode};
use tokio::time::sleep;

use super::config;
use super::reply::{accepted, broken, whole};
use super::respond::is_worth_a_retry;
use crate::event::{self, Attributes, Form};
use crate::invoke::chance::chance;
use crate::invoke::upstream::Sender;
use crate::invoke::{Backoff, CallError, Deadline, Life, Pauses, Reply};
use crate::reason::Reason;

/// Between two attempts. There is no good life: each attempt either is the last one or has failed.
const PAUSES: Pauses = Pauses::new(Duration::from_millis(100), Duration::from_secs(5), Duration::MAX);
/// Of a call without a deadline: a sink that says nothing must not hold it for ever.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(30);

/// Sends results to the sink.
pub(super) struct Sending {
    config: config::Sink,
    sender: Sender,
    /// The largest result, which is held in memory since it may be sent more than once.
    most_bytes: u64,
    longest_attempt: Duration,
}

/// An event as it is sent each time.
struct Message {
    headers: HeaderMap,
    body: Bytes,
}

/// What became of an attempt.
enum Outcome {
    Taken,
    Refused(StatusCode),
    /// Why it is worth another one, and how long the sink wants to be left alone.
    Again(String, Option<Duration>),
}

impl Sending {
    pub(super) fn new(config: config::Sink, most_bytes: u64) -> Sending {
        let sender = Sender::new(config.target.clone(), config.path.clone());
        Sending { config, sender, most_bytes, longest_attempt: LONGEST_ATTEMPT }
    }

    /// Sends a settled answer, if it is an event: then it is empty for the caller. Failures stay as they are.
    pub(super) async fn pass_on(
        &self,
        mut reply: Reply,
        call_id: &HeaderValue,
        deadline: Deadline,
    ) -> Result<Reply, CallError> {
        if !reply.status.is_success() {
            return Ok(reply);
        }
        for message in deadline.bound(self.messages(&mut reply)).await? {
            self.deliver(&message, call_id, deadline).await?;
        }
        Ok(accepted())
    }

    /// The events, each in the form in which it was made; those of a batch are sent one by one.
    async fn messages(&self, reply: &mut Reply) -> Result<Vec<Message>, CallError> {
        let form = event::recognise(&reply.headers).map_err(broken)?;
        if form == Form::None {
            return Ok(Vec::new());
        }
        if reply.headers.contains_key(CONTENT_ENCODING) {
            return Err(unsendable("has a Content-Encoding, which a sink would not know of: answer without"));
        }
        let body = whole(reply, self.most_bytes).await?;
        match form {
            Form::Batch => {
                let elements = event::batch::split(&body, usize::MAX).map_err(broken)?;
                elements.into_iter().map(|element| self.structured(element.map_err(broken)?.json)).collect()
            }
            Form::Structured => Ok(vec![self.structured(body)?]),
            _ => Ok(vec![self.binary(&reply.headers, body)?]),
        }
    }

    fn binary(&self, made: &HeaderMap, body: Bytes) -> Result<Message, CallError> {
        let mut attributes = event::binary::attributes(made).map_err(broken)?;
        self.set_extensions(&mut attributes)?;
        let mut headers = self.own_headers();
        event::binary::headers(&attributes, &mut headers);
        Ok(Message { headers, body })
    }

    /// The document as it was made, where nothing is to be set in it.
    fn structured(&self, mut body: Bytes) -> Result<Message, CallError> {
        if !self.config.extensions.is_empty() {
            let mut event = event::structured::decode(&body).map_err(broken)?;
            self.set_extensions(&mut event.attributes)?;
            body = event::structured::encode(&event);
        }
        let mut headers = self.own_headers();
        event::structured::headers(&mut headers);
        Ok(Message { headers, body })
    }

    fn own_headers(&self) -> HeaderMap {
        let agent = HeaderValue::from_static(concat!("heeler/", env!("CARGO_PKG_VERSION")));
        [(HOST, self.config.authority.clone()), (USER_AGENT, agent)].into_iter().collect()
    }

    fn set_extensions(&self, attributes: &mut Attributes) -> Result<(), CallError> {
        self.config.extensions.iter().try_for_each(|(name, value)| attributes.set(name, value).map_err(broken))
    }

    async fn deliver(&self, message: &Message, call_id: &HeaderValue, deadline: Deadline) -> Result<(), CallError> {
        let mut backoff = Backoff::new(PAUSES);
        let mut last = None;
        loop {
            let outcome = tokio::select! {
                biased;
                outcome = self.attempt(message, deadline) => outcome,
                () = deadline.passed() => return Err(self.late(last)),
            };
            let (why, asked) = match outcome {
                Outcome::Taken => return Ok(()),
                Outcome::Refused(status) => return Err(self.refused(status)),
                Outcome::Again(why, asked) => (why, asked),
            };
            if last.is_none() {
                let call_id = call_id.to_str().unwrap_or_default();
                tracing::warn!(call_id, "the sink {} does not take the event yet: {why}", self.config.url);
            }
            last = Some(why);
            let pause = backoff.after(Life::Failed, chance()).max(asked.unwrap_or_default());
            tokio::select! {
                biased;
                () = deadline.passed() => return Err(self.late(last)),
                () = sleep(pause) => {}
            }
        }
    }

    async fn attempt(&self, message: &Message, deadline: Deadline) -> Outcome {
        let limit = Deadline::after(deadline.is_never().then_some(self.longest_attempt));
        let sent = tokio::select! {
            biased;
            sent = self.sender.post(&message.headers, &message.body) => sent,
            () = limit.passed() => return Outcome::Again("no answer".to_owned(), None),
        };
        match sent {
            Ok((status, _)) if status.is_success() => Outcome::Taken,
            Ok((status, headers)) if is_worth_a_retry(status) => {
                Outcome::Again(format!("its last answer was {status}"), pause_asked_for(status, &headers))
            }
            Ok((status, _)) => Outcome::Refused(status),
            Err(lost) => Outcome::Again(lost.to_string(), None),
        }
    }

    fn refused(&self, status: StatusCode) -> CallError {
        let text = format!("the sink {} refuses the event with {status}", self.config.url);
        CallError { status: Some(StatusCode::BAD_GATEWAY), ..CallError::new(Reason::Sink, text) }
    }

    fn late(&self, last: Option<String>) -> CallError {
        let last = last.as_deref().unwrap_or("no answer");
        let text = format!("the sink {} has not taken the event by the deadline of the call: {last}", self.config.url);
        CallError::new(Reason::Sink, text)
    }
}

fn unsendable(why: &str) -> CallError {
    CallError::new(Reason::Reply, format!("the handler's answer {why}"))
}

/// Whole seconds alone: a date asks for a clock that both sides share (RFC 9110 §10.2.3).
fn pause_asked_for(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::invoke::ReplyBody;
    use crate::invoke::upstream::Target;

    fn sending(port: u16) -> Sending {
        let sink = config::Sink {
            url: format!("http://127.0.0.1:{port}"),
            target: Target::Tcp { host: "127.0.0.1".to_owned(), port },
            authority: HeaderValue::from_str(&format!("127.0.0.1:{port}")).unwrap(),
            path: hyper::Uri::from_static("/"),
            extensions: Vec::new(),
        };
        Sending { longest_attempt: Duration::from_millis(100), ..Sending::new(sink, 1 << 20) }
    }

    fn event() -> Reply {
        let mut headers = HeaderMap::new();
        event::binary::headers(&Attributes::new("1", "/s", "t").unwrap(), &mut headers);
        Reply::new(StatusCode::OK, headers, ReplyBody::of("data"))
    }

    async fn read_request(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"data") {
            assert!(stream.read_buf(&mut text).await.unwrap() > 0, "a whole request");
        }
        String::from_utf8(text).unwrap()
    }

    /// A sink that says nothing must not hold a call for ever.
    #[tokio::test]
    async fn without_a_deadline_an_attempt_has_a_limit_of_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sending = sending(listener.local_addr().unwrap().port());
        let sink = async {
            let (mut silent, _) = listener.accept().await.unwrap();
            let first = read_request(&mut silent).await;
            let (mut next, _) = listener.accept().await.unwrap();
            assert_eq!(read_request(&mut next).await, first);
            next.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        };
        let id = HeaderValue::from_static("id");
        let passed = sending.pass_on(event(), &id, Deadline::NEVER);
        let (passed, ()) = tokio::join!(passed, sink);
        assert_eq!(passed.unwrap().status, StatusCode::ACCEPTED);
    }

    #[test]
    fn only_whole_seconds_of_a_busy_sink_are_waited_for() {
        let seconds = Duration::from_secs;
        for (status, text, expected) in [
            (503, "7", Some(seconds(7))),
            (429, " 0 ", Some(seconds(0))),
            (500, "7", None),
            (503, "1.5", None),
            (503, "-1", None),
            (503, "Fri, 31 Dec 2027 23:59:59 GMT", None),
        ] {
            let headers = [(RETRY_AFTER, HeaderValue::from_static(text))].into_iter().collect();
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(pause_asked_for(status, &headers), expected, "{text}");
        }
    }
}
