//! What functions say of themselves: whether they are alive, and ready. Asked of those only that said in their hello
//! that they answer by themselves.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use tokio::sync::watch;

use super::frame::{self, Kind};
use super::lost::Lost;
use super::message::Hello;
use super::pool::Pool;
use super::worker::Worker;

/// PING's questions, by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether the function is well.
    Alive,
    /// Whether it could take a call now.
    Ready,
}

impl Question {
    fn word(self) -> &'static str {
        match self {
            Question::Alive => "alive",
            Question::Ready => "ready",
        }
    }

    /// Whether the function of that worker has an answer of its own.
    fn is_in(self, hello: &Hello) -> bool {
        let mut hooks = hello.about.iter().filter(|(name, _)| name == "hooks");
        hooks.any(|(_, words)| words.split(' ').any(|word| word == self.word()))
    }
}

/// A worker's answers, by question.
#[derive(Debug)]
pub(super) struct Pongs {
    said: [watch::Sender<bool>; 2],
    hooks: [bool; 2],
}

impl Pongs {
    pub(super) fn new(hello: &Hello) -> Pongs {
        let hooks = [Question::Alive, Question::Ready].map(|question| question.is_in(hello));
        Pongs { said: [watch::Sender::new(true), watch::Sender::new(true)], hooks }
    }

    /// A PONG came.
    pub(super) fn hear(&self, mut payload: Bytes) -> Result<(), Lost> {
        let (question, yes) = (payload.try_get_u8(), payload.try_get_u8());
        match (question, yes) {
            (Ok(question @ (0 | 1)), Ok(yes @ (0 | 1))) => {
                if yes == 0 {
                    tracing::warn!(text = %String::from_utf8_lossy(&payload), "the function says that it is not well");
                }
                self.said[usize::from(question)].send_replace(yes == 1);
                Ok(())
            }
            _ => Err(Lost::protocol("PONG without a question and a yes or no")),
        }
    }
}

impl Worker {
    /// Asks, and waits for the answer. A worker that is gone gives none.
    pub(super) async fn ask(&self, question: Question) -> bool {
        let mut said = self.pongs().said[question as usize].subscribe();
        let mut ping = BytesMut::new();
        frame::put(&mut ping, Kind::Ping, false, 0, &[question as u8]);
        self.send(ping);
        // The sender is the worker's own.
        let _ = said.changed().await;
        *said.borrow()
    }
}

impl Pool {
    /// Whether any worker says yes; `None` if no function has an answer of its own.
    pub(super) fn ask(&self, question: Question) -> Option<impl Future<Output = bool> + use<>> {
        let asked: Vec<Arc<Worker>> = self.all(|worker| worker.pongs().hooks[question as usize]);
        (!asked.is_empty()).then(|| any_says_yes(asked, question))
    }
}

async fn any_says_yes(asked: Vec<Arc<Worker>>, question: Question) -> bool {
    let mut answers: Vec<_> = asked.iter().map(|worker| Box::pin(worker.ask(question))).collect();
    poll_fn(|cx| {
        let mut yes = false;
        answers.retain_mut(|answer| match answer.as_mut().poll(cx) {
            Poll::Ready(said) => {
                yes |= said;
                false
            }
            Poll::Pending => true,
        });
        if yes || answers.is_empty() { Poll::Ready(yes) } else { Poll::Pending }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoke::warm::played::{join, join_with, pool};

    #[tokio::test]
    async fn one_yes_is_enough() {
        let pool = pool(0, None);
        assert!(pool.ask(Question::Alive).is_none());
        let (_silent, _its_end) = join(&pool, 1).await;
        assert!(pool.ask(Question::Ready).is_none(), "its function has no such hook");
        let (_a, mut first) = join_with(&pool, 1, b"hooks\0alive ready\0").await;
        let (_b, mut second) = join_with(&pool, 1, b"hooks\0ready\0").await;
        for (said, expected) in [([0, 0], false), ([0, 1], true), ([1, 0], true)] {
            let answer = async {
                for (played, says) in [(&mut first, said[0]), (&mut second, said[1])] {
                    assert_eq!(&played.expect(Kind::Ping).await.payload[..], [1]);
                    played.write(Kind::Pong, false, 0, &[1, says, b'!']).await;
                }
            };
            let asked = pool.ask(Question::Ready).unwrap();
            assert_eq!(tokio::join!(asked, answer).0, expected, "{said:?}");
        }
        let answer = async {
            assert_eq!(&first.expect(Kind::Ping).await.payload[..], [0]);
            // An answer to another question is none to this one.
            first.write(Kind::Pong, false, 0, &[1, 0]).await;
            first.write(Kind::Pong, false, 0, &[0, 1]).await;
        };
        assert!(tokio::join!(pool.ask(Question::Alive).unwrap(), answer).0);
    }
}
