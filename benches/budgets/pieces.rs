//! Runs one pure piece of heeler so many times, for somebody who counts instructions: `pieces NAME TIMES`, or `pieces`
//! for the names. `make budgets` builds it as the binary is built, runs it with two numbers of times, and divides.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for whoever works on heeler")]

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use heeler::config::{Host, Settings};
use heeler::event::{binary, structured};
use heeler::invoke::fork::env;
use heeler::invoke::upstream::{forward, request as head};
use heeler::invoke::warm::{frame, message};
use heeler::invoke::{Mode, warm::frame::Kind};
use hyper::HeaderMap;

#[path = "../given/delivery.rs"]
mod delivery;
#[path = "../given/environment.rs"]
mod environment;
#[path = "../given/invoker.rs"]
mod invoker;
#[path = "../given/request.rs"]
mod request;

/// The binary's own: what it allocates with is a part of what is counted.
#[global_allocator]
static ALLOCATOR: heeler::allocator::Allocator = heeler::allocator::Allocator::new();

/// Something that is done again and again; what it is done with is made before.
type Piece = Box<dyn FnMut()>;
/// A piece by its name.
type Named = (&'static str, fn() -> Piece);

const PIECES: [Named; 11] = [
    ("frame/put", frame_put),
    ("frame/take", frame_take),
    ("event/binary/decode", binary_decode),
    ("event/binary/encode", binary_encode),
    ("event/structured/decode", structured_decode),
    ("event/structured/encode", structured_encode),
    ("headers/call", call_fields),
    ("headers/variables", || variables(Mode::Streaming)),
    ("headers/cgi", || variables(Mode::Cgi)),
    ("headers/upstream", upstream_head),
    ("config/settings", settings),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words[..] {
        [] => PIECES.iter().for_each(|(name, _)| println!("{name}")),
        [wanted, times] => {
            let (_, make) = PIECES.iter().find(|(name, _)| name == wanted).expect("a name of the list");
            let mut piece = make();
            (0..times.parse().expect("a number of times")).for_each(|_| piece());
        }
        _ => panic!("usage: pieces [NAME TIMES]"),
    }
}

/// A frame of 100 bytes.
fn frame_put() -> Piece {
    let mut out = BytesMut::with_capacity(1024);
    Box::new(move || {
        out.clear();
        frame::put(black_box(&mut out), Kind::Data, false, 7, black_box(&[b'x'; 100]));
    })
}

/// The same off a copy of what was read.
fn frame_take() -> Piece {
    let mut read = BytesMut::new();
    frame::put(&mut read, Kind::Data, false, 7, &[b'x'; 100]);
    Box::new(move || drop(black_box(frame::take(&mut black_box(read.clone())).unwrap())))
}

fn binary_decode() -> Piece {
    let headers = delivery::delivery();
    let data = Bytes::from_static(br#"{"message":"hello","n":1.10}"#);
    Box::new(move || drop(black_box(binary::decode(black_box(&headers), data.clone()).unwrap())))
}

fn binary_encode() -> Piece {
    let event = delivery::small();
    Box::new(move || {
        let mut out = HeaderMap::with_capacity(16);
        black_box(binary::encode(black_box(&event), &mut out));
        black_box(out);
    })
}

fn structured_decode() -> Piece {
    let body = structured::encode(&delivery::small());
    Box::new(move || drop(black_box(structured::decode(black_box(&body)).unwrap())))
}

fn structured_encode() -> Piece {
    let event = delivery::small();
    Box::new(move || drop(black_box(structured::encode(black_box(&event)))))
}

fn call_fields() -> Piece {
    let call = request::call();
    Box::new(move || drop(black_box(message::call(1, black_box(&call), Some(100), &[], true))))
}

fn variables(mode: Mode) -> Piece {
    let (call, config) = (request::call(), invoker::config(mode));
    Box::new(move || drop(black_box(env::of_call(black_box(&call), &config, true).unwrap())))
}

/// With a copy of the headers, which are the mapping's to keep.
fn upstream_head() -> Piece {
    let call = request::call();
    Box::new(move || {
        let mut call = request::again(black_box(&call));
        let headers = forward::request(&mut call);
        black_box(head::encode(&call.method, "", &call.target, &headers, head::Length::AsGiven, None));
    })
}

fn settings() -> Piece {
    let (vars, host) = (environment::environment(), Host::default());
    Box::new(move || drop(black_box(Settings::from_vars(&[], black_box(&vars), &host).unwrap())))
}
