//! Tests: a worker that says what it likes, beside a good one. Each case is one connection, made from its number alone.

use std::collections::HashMap;

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;

use super::frame::{self, Frame, Kind};
use super::played::{Played, call, join, pool, reply};
use super::{Pool, Warm};
use crate::invoke::call::{Call, Deadline};
use crate::reason::Reason;

/// Calls of a case: half of them go to the hostile worker.
const CALLS: u32 = 6;

#[tokio::test(start_paused = true)]
async fn a_hostile_worker_harms_nobody() {
    play_all(0..3_000).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes"]
async fn a_hostile_worker_harms_nobody_in_a_hundred_thousand_cases() {
    play_all(3_000..110_000).await;
}

async fn play_all(seeds: std::ops::Range<u64>) {
    let (mut answered, mut failed) = (0, 0);
    for seed in seeds {
        let (good, bad) = Case::new(seed).play().await;
        answered += good;
        failed += bad;
    }
    assert!(answered > 0 && failed > 0, "{answered} answers and {failed} failures test nothing");
}

struct Case {
    seed: u64,
    dice: u64,
    /// It has put something on the wire whose meaning the test does not know.
    lied: bool,
}

impl Case {
    fn new(seed: u64) -> Case {
        Case { seed, dice: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), lied: false }
    }

    fn roll(&mut self, below: u32) -> u32 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.dice >> 33) % u64::from(below)).unwrap()
    }

    fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.roll(u32::try_from(these.len()).unwrap()) as usize]
    }

    /// How many of the hostile worker's calls were answered, and how many failed.
    async fn play(mut self) -> (u32, u32) {
        let pool = pool(10, None);
        let (bad, mut hostile) = join(&pool, 4).await;
        let (_good, good) = join(&pool, 8).await;
        let neighbour = crate::task::spawn(serve(good));
        let calls: Vec<_> = (0..CALLS).map(|number| ask(&pool, number)).collect();
        let mut targets = HashMap::new();
        for _ in 0..CALLS / 2 {
            let frame = hostile.expect(Kind::Call).await;
            targets.insert(frame.stream, target_of(&frame));
        }
        for _ in 0..=self.roll(20) {
            let bytes = self.next(&targets);
            if hostile.socket.write_all(&bytes).await.is_err() {
                break;
            }
        }
        // Silence, or the end.
        let silent = (self.roll(4) == 0).then_some(hostile);
        let seen = self.judge(calls, &targets).await;
        drop(silent);
        bad.over().await;
        drop(pool);
        neighbour.abort();
        seen
    }

    /// What it says next: a sensible word, a word out of place, or no word at all.
    fn next(&mut self, targets: &HashMap<u32, String>) -> BytesMut {
        let mut out = BytesMut::new();
        let stream = self.stream();
        let body = targets.get(&stream).map_or_else(String::new, |target| target.repeat(self.roll(4) as usize));
        match self.roll(12) {
            0..=2 => frame::put(&mut out, Kind::Reply, self.roll(2) == 0, stream, &reply(200, &[], body.as_bytes())),
            3..=4 => frame::put(&mut out, Kind::Data, self.roll(4) == 0, stream, body.as_bytes()),
            5 => frame::put(&mut out, Kind::End, self.roll(8) != 0, stream, &[0; 4]),
            6 => frame::put(&mut out, Kind::Error, self.roll(8) != 0, stream, b"\0\0\0\0\0\0\0\0Oops\0no\0\0"),
            7 => {
                let kind = self.one_of(&[Kind::Window, Kind::Cancelled, Kind::Log, Kind::Bye, Kind::Pong, Kind::Hello]);
                let payload = self.noise(12);
                frame::put(&mut out, kind, self.roll(2) == 0, stream, &payload);
            }
            8 => self.nonsense_in_a_frame(&mut out, stream),
            9 => out = self.noise(200),
            10 => self.wrong_length(&mut out, stream),
            _ => {
                frame::put(&mut out, Kind::Reply, true, stream, &reply(200, &[], body.as_bytes()));
                self.spoil(&mut out);
            }
        }
        out
    }

    fn stream(&mut self) -> u32 {
        let any = self.roll(u32::MAX);
        self.one_of(&[1, 2, 3, 1, 2, 3, 1, 2, 3, 0, 4, 5, (1 << 31) - 1, 1 << 31, any])
    }

    fn noise(&mut self, most: u32) -> BytesMut {
        self.lied = true;
        (0..self.roll(most)).map(|_| if self.roll(2) == 0 { 0 } else { self.roll(256).to_le_bytes()[0] }).collect()
    }

    fn nonsense_in_a_frame(&mut self, out: &mut BytesMut, stream: u32) {
        let payload = self.noise(60);
        let kind = self.one_of(&[Kind::Reply, Kind::Error, Kind::End, Kind::Data, Kind::Call, Kind::Cancel]);
        frame::put(out, kind, self.roll(2) == 0, stream, &payload);
    }

    /// More than there is, less than there is, more than there may be.
    fn wrong_length(&mut self, out: &mut BytesMut, stream: u32) {
        let any = self.roll(u32::MAX);
        frame::put(out, Kind::Data, false, stream, &self.noise(40));
        let length = self.one_of(&[0, 1, 100, 262_144, 262_145, u32::MAX, any]);
        out[..4].copy_from_slice(&length.to_be_bytes());
    }

    /// A bit is wrong, or the rest is missing.
    fn spoil(&mut self, out: &mut BytesMut) {
        self.lied = true;
        let at = self.roll(u32::try_from(out.len()).unwrap()) as usize;
        match self.roll(2) {
            0 => out[at] ^= 1 << self.roll(8),
            _ => out.truncate(at),
        }
    }

    /// Nobody has got what belongs to another, and whoever was at the good worker has got all of it.
    async fn judge(&self, calls: Vec<JoinHandle<Answer>>, targets: &HashMap<u32, String>) -> (u32, u32) {
        let (mut answered, mut failed) = (0, 0);
        for (number, call) in calls.into_iter().enumerate() {
            let (own, seed) = (format!("/{number}"), self.seed);
            let answer = call.await.unwrap();
            if !targets.values().any(|target| *target == own) {
                assert_eq!(answer, Answer::Whole(own.repeat(3)), "case {seed}: a call at the good worker");
                continue;
            }
            match answer {
                Answer::Whole(body) => {
                    answered += 1;
                    let left = body.replace(&own, "");
                    assert!(self.lied || left.is_empty(), "case {seed}: {own} was answered {body:?}");
                }
                Answer::Cut => failed += 1,
                Answer::Failed(reason) => {
                    failed += 1;
                    let expected = [Reason::Worker, Reason::Raised, Reason::Timeout, Reason::Handler, Reason::BadHead];
                    assert!(expected.contains(&reason), "case {seed}: {own} failed with {reason:?}");
                }
            }
        }
        (answered, failed)
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Whole(String),
    /// A head, and a body that was not whole.
    Cut,
    Failed(Reason),
}

/// A call whose target tells it from all others.
fn ask(pool: &Pool, number: u32) -> JoinHandle<Answer> {
    let warm = Warm::new(pool.clone(), None);
    let deadline = Deadline::after(Some(std::time::Duration::from_secs(2)));
    let call = Call { target: format!("/{number}").parse().unwrap(), deadline, ..call(b"") };
    crate::task::spawn(async move {
        match warm.call(Box::new(call)).await {
            Err(error) => Answer::Failed(error.reason),
            Ok(reply) => match reply.body.collect().await {
                Ok(body) => Answer::Whole(String::from_utf8_lossy(&body.to_bytes()).into_owned()),
                Err(_) => Answer::Cut,
            },
        }
    })
}

/// The good worker: says the target three times, in two frames.
async fn serve(mut played: Played) {
    loop {
        let frame = played.read().await;
        if frame.kind == Kind::Call {
            let target = target_of(&frame);
            played.reply(frame.stream, false, target.as_bytes()).await;
            played.write(Kind::Data, true, frame.stream, target.repeat(2).as_bytes()).await;
        }
    }
}

/// CALL's payload is five numbers and then fields that end with a zero: the method, the path, …
fn target_of(frame: &Frame) -> String {
    let mut fields = frame.payload.slice(20..);
    let mut field = || {
        let end = fields.iter().position(|byte| *byte == 0).unwrap();
        let field = fields.split_to(end);
        fields.advance(1);
        String::from_utf8(field.to_vec()).unwrap()
    };
    field();
    field()
}
