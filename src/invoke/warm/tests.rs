//! Calls over a worker that the test plays, frame by frame.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use tokio::net::UnixStream;

use super::exchange::begin;
use super::frame::Kind;
use super::played::{Played, call, greeting, join, pool, pool_of_one, reply, run, text};
use super::{Lost, Worker};
use crate::invoke::call::{Call, Deadline};
use crate::reason::Reason;

#[tokio::test]
async fn a_small_call_is_one_frame_each_way() {
    let (pool, worker, mut played) = pool_of_one(1).await;
    for number in 1..4 {
        let running = run(&pool, call(b"hi"));
        let frame = played.expect(Kind::Call).await;
        assert_eq!((frame.last, frame.stream), (true, number));
        let expected = b"POST\0/a%20b\0q=1\0http\0\0id\0host\0h\0hi";
        assert_eq!(&frame.payload[20..], expected);
        played.write(Kind::Reply, true, number, &reply(201, &[("x-a", "1"), ("x-a", "2")], b"HI")).await;
        let answer = running.await.unwrap().unwrap();
        assert_eq!((answer.status, answer.headers.get_all("x-a").iter().count()), (StatusCode::CREATED, 2));
        assert_eq!(text(answer).await, "HI");
    }
    assert!(worker.served());
    worker.idle().await;
}

#[tokio::test]
async fn bodies_stream_within_their_windows() {
    let (pool, _worker, mut played) = pool_of_one(1).await;
    let body: &'static [u8] = vec![b'x'; 300_000].leak();
    let running = run(&pool, call(body));
    let first = played.expect(Kind::Call).await;
    assert!(!first.last);
    let mut seen = first.payload.len() - 20 - b"POST\0/a%20b\0q=1\0http\0\0id\0host\0h\0".len();
    assert_eq!(seen, 64 * 1024, "as much as the worker's window");
    let mut last = false;
    while !last {
        played.write(Kind::Window, false, 1, &50_000_u32.to_be_bytes()).await;
        let mut allowed = 50_000;
        while allowed > 0 && !last {
            let frame = played.expect(Kind::Data).await;
            seen += frame.payload.len();
            allowed -= frame.payload.len();
            last = frame.last;
        }
    }
    assert_eq!(seen, body.len());
    // And back: the window is 256 KiB, and opens as the body is read.
    played.reply(1, false, b"").await;
    let answer = running.await.unwrap().unwrap();
    let reading = crate::task::spawn(text(answer));
    for _ in 0..4 {
        played.write(Kind::Data, false, 1, &[b'y'; 64 * 1024]).await;
    }
    let more = played.expect(Kind::Window).await;
    assert_eq!(&more.payload[..], (128 * 1024_u32).to_be_bytes());
    played.write(Kind::End, true, 1, &[0; 4]).await;
    assert_eq!(reading.await.unwrap().len(), 256 * 1024);
}

#[tokio::test]
async fn a_call_goes_to_the_worker_with_the_fewest() {
    let pool = pool(10, None);
    let (_a, mut first) = join(&pool, 2).await;
    let (_b, mut second) = join(&pool, 2).await;
    let calls: Vec<_> = (0..4).map(|_| run(&pool, call(b""))).collect();
    for played in [&mut first, &mut second] {
        for number in 1..3 {
            assert_eq!(played.expect(Kind::Call).await.stream, number);
        }
    }
    // The fifth waits, and is given the place that becomes free.
    let fifth = run(&pool, call(b""));
    second.reply(2, true, b"").await;
    assert_eq!(second.expect(Kind::Call).await.stream, 3);
    second.reply(3, true, b"fifth").await;
    assert_eq!(text(fifth.await.unwrap().unwrap()).await, "fifth");
    first.reply(1, true, b"").await;
    first.reply(2, true, b"").await;
    second.reply(1, true, b"").await;
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_late_call_never_reaches_a_worker() {
    let pool = pool(1, Some(Duration::from_millis(50)));
    let waiting = run(&pool, call(b""));
    tokio::task::yield_now().await;
    let refused = run(&pool, call(b"")).await.unwrap().unwrap_err();
    assert_eq!(refused.reason, Reason::QueueFull);
    assert_eq!(waiting.await.unwrap().unwrap_err().reason, Reason::Handler);
}

#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled_and_holds_its_place() {
    let (pool, worker, mut played) = pool_of_one(2).await;
    let running = run(&pool, call(b""));
    played.expect(Kind::Call).await;
    running.abort();
    assert_eq!(&played.expect(Kind::Cancel).await.payload[..], [0]);
    assert_eq!(worker.load(), None, "it owes an answer to the cancel");
    played.write(Kind::Cancelled, false, 1, b"").await;
    let next = run(&pool, call(b""));
    assert_eq!(played.expect(Kind::Call).await.stream, 2);
    assert_eq!(worker.load(), None, "the abandoned call has a place, too");
    // What it still says reaches nobody.
    played.reply(1, false, b"late").await;
    played.write(Kind::Cancelled, true, 1, b"").await;
    played.reply(2, true, b"next").await;
    assert_eq!(text(next.await.unwrap().unwrap()).await, "next");
    assert_eq!(worker.load(), Some(0));
    tokio::select! {
        biased;
        () = worker.wants_replacement() => panic!("it has let go of the call"),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_answers_and_a_stubborn_worker_is_condemned() {
    let (pool, worker, mut played) = pool_of_one(1).await;
    let running = run(&pool, Call { deadline: Deadline::after(Some(Duration::from_secs(1))), ..call(b"") });
    played.expect(Kind::Call).await;
    assert_eq!(running.await.unwrap().unwrap_err().reason, Reason::Timeout);
    assert_eq!(&played.expect(Kind::Cancel).await.payload[..], [1]);
    worker.condemned().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_of_many_calls_that_answers_a_ping_lives_on() {
    let (pool, worker, mut played) = pool_of_one(8).await;
    let running = run(&pool, call(b""));
    played.expect(Kind::Call).await;
    running.abort();
    played.expect(Kind::Cancel).await;
    played.expect(Kind::Ping).await;
    played.write(Kind::Pong, false, 0, &[0, 1]).await;
    played.write(Kind::Cancelled, false, 1, b"").await;
    tokio::select! {
        () = worker.condemned() => panic!("it answers"),
        () = worker.wants_replacement() => panic!("one of eight places is not half of them"),
        () = tokio::time::sleep(Duration::from_secs(60)) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_with_half_of_its_places_held_is_replaced() {
    let (pool, worker, mut played) = pool_of_one(4).await;
    for number in 1..3 {
        let running = run(&pool, call(b""));
        played.expect(Kind::Call).await;
        running.abort();
        played.expect(Kind::Cancel).await;
        played.write(Kind::Cancelled, false, number, b"").await;
        played.expect(Kind::Ping).await;
        played.write(Kind::Pong, false, 0, &[0, 1]).await;
    }
    worker.wants_replacement().await;
    assert_eq!(worker.load(), Some(2), "until then it serves on");
}

/// A worker that hears of its end may end at once.
#[tokio::test]
async fn calls_with_a_place_come_before_the_end() {
    let (pool, worker, mut played) = pool_of_one(3).await;
    let mut seats = Vec::new();
    for _ in 0..2 {
        seats.push(pool.seat(Deadline::NEVER).await.unwrap());
    }
    worker.bye();
    assert!(worker.load().is_none(), "it takes no more");
    drop(seats.pop());
    let _begun = begin(seats.remove(0), &mut call(b"")).await.unwrap();
    played.expect(Kind::Call).await;
    played.expect(Kind::Bye).await;
    worker.bye();
    let more = tokio::time::timeout(Duration::from_millis(20), played.read()).await;
    assert!(more.is_err(), "it is said once: {more:?}");
}

#[tokio::test]
async fn errors_are_answers_that_tell_the_type_alone() {
    let (pool, worker, mut played) = pool_of_one(1).await;
    for (number, head, reason, status) in [
        (1, [0, 0, 0, 0], Reason::Raised, None),
        (2, [1, 0, 0, 0], Reason::Worker, None),
        (3, [2, 0, 0, 0], Reason::Timeout, None),
        (4, [0, 1, 0, 0], Reason::Handler, None),
        (5, [0, 0, 1, 246], Reason::Raised, Some(StatusCode::BAD_GATEWAY)),
    ] {
        let running = run(&pool, call(b""));
        played.expect(Kind::Call).await;
        let mut payload = BytesMut::from(&head[..]);
        payload.put_u32(0);
        payload.put_slice(b"ValueError\0the secret\0a stack\0");
        played.write(Kind::Error, true, number, &payload).await;
        let error = running.await.unwrap().unwrap_err();
        assert_eq!((error.reason, error.status), (reason, status));
        assert!(!error.message.contains("secret"), "{error}");
    }
    worker.idle().await;
}

#[tokio::test]
async fn a_dead_worker_fails_its_own_calls_alone() {
    let pool = pool(10, None);
    let (dying, mut first) = join(&pool, 2).await;
    let (_b, mut second) = join(&pool, 2).await;
    let (a, b) = (run(&pool, call(b"")), run(&pool, call(b"")));
    first.expect(Kind::Call).await;
    second.expect(Kind::Call).await;
    drop(first);
    assert_eq!(a.await.unwrap().unwrap_err().reason, Reason::Worker);
    assert_eq!(dying.over().await, Lost::Closed);
    second.reply(1, true, b"fine").await;
    assert_eq!(text(b.await.unwrap().unwrap()).await, "fine");
    dying.idle().await;
    assert_eq!(dying.load(), None);
}

/// What no worker may say: it ends its connection, and nobody else's.
#[tokio::test]
async fn nonsense_ends_the_connection() {
    type Said = (Kind, bool, u32, &'static [u8]);
    let cases: &[&[Said]] = &[
        &[(Kind::Call, true, 1, b"")],
        &[(Kind::Hello, false, 0, b"")],
        &[(Kind::Reply, true, 2, b"")],
        &[(Kind::Reply, true, 1, b"short")],
        &[(Kind::Data, true, 1, b"before REPLY")],
        &[(Kind::End, true, 1, &[0; 4])],
        &[(Kind::End, false, 1, &[0; 4])],
        &[(Kind::Cancelled, true, 1, b"")],
        &[(Kind::Window, false, 1, b"abc")],
        &[(Kind::Window, false, 1, &[255; 4])],
        &[(Kind::Error, true, 1, b"")],
        &[(Kind::Error, false, 1, &[0; 8])],
        &[(Kind::Log, false, 0, b"")],
        &[(Kind::Pong, false, 1, b"")],
        &[(Kind::Pong, false, 0, b"\0")],
        &[(Kind::Pong, false, 0, b"\x02\x01")],
    ];
    for said in cases {
        let (pool, worker, mut played) = pool_of_one(1).await;
        let running = run(&pool, call(b""));
        played.expect(Kind::Call).await;
        for (kind, last, stream, payload) in *said {
            played.write(*kind, *last, *stream, payload).await;
        }
        let lost = worker.over().await;
        assert!(matches!(lost, Lost::Protocol(_)), "{said:?}: {lost}");
        assert_eq!(running.await.unwrap().unwrap_err().reason, Reason::Worker, "{said:?}");
        drop((pool, worker));
        played.closed().await;
    }
}

/// More than the window allows is held by nobody.
#[tokio::test]
async fn a_worker_that_passes_its_window_is_cut_off() {
    let (pool, worker, mut played) = pool_of_one(1).await;
    let running = run(&pool, call(b""));
    played.expect(Kind::Call).await;
    played.reply(1, false, b"").await;
    let answer = running.await.unwrap().unwrap();
    for _ in 0..5 {
        played.write(Kind::Data, false, 1, &[0; 64 * 1024]).await;
    }
    assert!(matches!(worker.over().await, Lost::Protocol(_)));
    assert!(answer.body.collect().await.is_err(), "an answer that is cut is no whole one");
}

#[tokio::test]
async fn a_function_that_cannot_be_loaded_says_why() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut played = Played { socket: theirs, buffer: BytesMut::new() };
    played.write(Kind::Error, true, 0, b"\x03\0\0\0\0\0\0\0LookupError\0no handle\0\0").await;
    let lost = Worker::meet(ours.into_std().unwrap(), greeting(&pool(0, None))).await.unwrap_err();
    let expected = Lost::NotLoaded { kind: "LookupError".into(), message: "no handle".into(), stack: String::new() };
    assert_eq!(lost, expected);
}
