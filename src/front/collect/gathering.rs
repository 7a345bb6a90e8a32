//! The events of one call while they are gathered, and who still waits for its answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, StatusCode};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::invoke::{CallError, Deadline};

/// What becomes of one delivery.
pub(in crate::front) struct Answer {
    /// When its call began, if it did.
    pub(in crate::front) began: Option<Instant>,
    pub(in crate::front) result: Result<Told, CallError>,
}

/// What a delivery is told of the handler's answer.
#[derive(Clone, Debug)]
pub(in crate::front) struct Told {
    pub(in crate::front) status: StatusCode,
    /// With 429 and 503: a sender may heed it.
    pub(in crate::front) retry_after: Option<HeaderValue>,
}

impl Told {
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Told {
        let is_asked = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        Told { status, retry_after: headers.get(RETRY_AFTER).filter(|_| is_asked).cloned() }
    }
}

/// One delivery.
pub(super) struct Member {
    /// Its event, as it stands in the call's body.
    pub(super) part: Bytes,
    pub(super) id: HeaderValue,
    pub(super) deadline: Deadline,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// How much goes into one call.
#[derive(Clone, Copy)]
pub(super) struct Most {
    pub(super) events: usize,
    pub(super) bytes: u64,
}

/// The deliveries of one call.
#[derive(Default)]
pub(super) struct Gathering {
    state: Mutex<State>,
    full: Notify,
    abandoned: Notify,
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// In the order in which they came; one that left is `None`.
    members: Vec<Option<Member>>,
    /// Those who wait for an answer.
    present: usize,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// More may come.
    #[default]
    Open,
    /// It waits for its place.
    Closed,
    /// The handler has it.
    Running,
}

impl Gathering {
    /// Open, with its first.
    pub(super) fn of(member: Member) -> (Arc<Gathering>, Ticket) {
        let state =
            State { bytes: member.part.len() as u64, present: 1, members: vec![Some(member)], phase: Phase::Open };
        let gathering = Arc::new(Gathering { state: Mutex::new(state), ..Gathering::default() });
        (gathering.clone(), Ticket(Some((gathering, 0))))
    }

    /// One more; it is given back if it is too late for this call, or too large.
    pub(super) fn add(self: &Arc<Gathering>, member: Member, most: Most) -> Result<Ticket, Member> {
        let mut state = self.state();
        if state.phase != Phase::Open {
            return Err(member);
        }
        let bytes = state.bytes + member.part.len() as u64;
        if bytes > most.bytes && state.present > 0 {
            self.is_full(&mut state);
            return Err(member);
        }
        state.bytes = bytes;
        state.present += 1;
        state.members.push(Some(member));
        if state.present >= most.events {
            self.is_full(&mut state);
        }
        Ok(Ticket(Some((self.clone(), state.members.len() - 1))))
    }

    fn is_full(&self, state: &mut State) {
        state.phase = Phase::Closed;
        self.full.notify_one();
    }

    /// Resolves when no more will come.
    pub(super) async fn full(&self) {
        self.full.notified().await;
    }

    /// Takes no more. Gives the latest deadline; `None` if nobody waits.
    pub(super) fn close(&self) -> Option<Deadline> {
        let mut state = self.state();
        state.phase = Phase::Closed;
        let deadlines = state.members.iter().flatten().map(|member| member.deadline);
        deadlines.reduce(Deadline::or_later)
    }

    /// The call begins: whoever leaves from here on leaves an event that runs.
    pub(super) fn begin(&self) -> Vec<Member> {
        let mut state = self.state();
        state.phase = Phase::Running;
        std::mem::take(&mut state.members).into_iter().flatten().collect()
    }

    /// Resolves when nobody waits any more, once it is closed.
    pub(super) async fn abandoned(&self) {
        self.abandoned.notified().await;
    }

    /// Says whether the event never ran, and never will.
    fn leave(&self, slot: usize) -> bool {
        let mut state = self.state();
        state.present -= 1;
        if state.present == 0 && state.phase != Phase::Open {
            self.abandoned.notify_one();
        }
        let member = state.members.get_mut(slot).and_then(Option::take);
        state.bytes -= member.as_ref().map_or(0, |member| member.part.len() as u64);
        member.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who waits for a call's answer. Dropped, it waits no more: an event that does not run yet is taken out.
pub(super) struct Ticket(Option<(Arc<Gathering>, usize)>);

impl Ticket {
    /// Waits no more. Says whether the event never ran, and never will.
    pub(super) fn leave(&mut self) -> bool {
        self.0.take().is_some_and(|(gathering, slot)| gathering.leave(slot))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MOST: Most = Most { events: 3, bytes: 10 };

    fn member(text: &'static str) -> Member {
        let (answer, _) = oneshot::channel();
        let deadline = Deadline::after(Some(Duration::from_secs(text.len() as u64)));
        Member { part: Bytes::from_static(text.as_bytes()), id: HeaderValue::from_static("id"), deadline, answer }
    }

    fn add(gathering: &Arc<Gathering>, text: &'static str) -> Option<Ticket> {
        gathering.add(member(text), MOST).ok()
    }

    fn texts(gathering: &Gathering) -> Vec<Bytes> {
        gathering.begin().into_iter().map(|member| member.part).collect()
    }

    #[tokio::test]
    async fn it_is_full_by_number_or_by_size() {
        let by_number = Arc::new(Gathering::default());
        let _tickets: Vec<_> = ["a", "b", "c"].map(|text| add(&by_number, text).unwrap()).into();
        by_number.full().await;
        assert!(add(&by_number, "d").is_none());
        assert_eq!(texts(&by_number), ["a", "b", "c"]);

        let by_size = Arc::new(Gathering::default());
        let _ticket = add(&by_size, "123456").unwrap();
        assert!(add(&by_size, "12345").is_none());
        by_size.full().await;
        assert!(add(&by_size, "1").is_none(), "order is kept: what comes later runs later");

        let large = Arc::new(Gathering::default());
        assert!(add(&large, "larger than a call").is_some(), "alone it is a call all the same");
    }

    #[tokio::test]
    async fn who_leaves_before_it_runs_takes_the_event_along() {
        let gathering = Arc::new(Gathering::default());
        let mut tickets = ["a", "b"].map(|text| add(&gathering, text).unwrap());
        assert!(tickets[0].leave());
        let third = add(&gathering, "third");
        assert!(gathering.close().is_some());
        assert_eq!(texts(&gathering), ["b", "third"]);
        assert!(!tickets[1].leave(), "it runs");
        drop(third);
        gathering.abandoned().await;
    }

    #[tokio::test]
    async fn the_latest_deadline_is_that_of_the_call() {
        let gathering = Arc::new(Gathering::default());
        let _tickets = ["a", "aaa", "aa"].map(|text| add(&gathering, text).unwrap());
        let left = gathering.close().unwrap().epoch_millis().unwrap()
            - Deadline::after(Some(Duration::ZERO)).epoch_millis().unwrap();
        assert!((2_001..=3_000).contains(&left), "{left}");
        let nobody = Arc::new(Gathering::default());
        drop(add(&nobody, "a"));
        assert!(nobody.close().is_none());
    }
}
