//! What a request's headers cost on their way to a handler, in each of the forms that handlers get them in: fields of a
//! CALL, variables of a process, a head for an upstream. `cargo bench --bench headers`.
#![allow(missing_docs, reason = "the macros make functions without")]
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use heeler::invoke::fork::env;
use heeler::invoke::upstream::{forward, request as head};
use heeler::invoke::warm::message;
use heeler::invoke::{Call, Mode};

#[path = "given/request.rs"]
mod request;

#[path = "given/invoker.rs"]
mod invoker;

fn mapped(c: &mut Criterion) {
    let call = request::call();
    c.bench_function("fields of a CALL", |b| b.iter(|| message::call(1, black_box(&call), Some(100), &[], true)));
    for mode in [Mode::Streaming, Mode::Cgi] {
        let config = invoker::config(mode);
        let name = format!("variables, {}", mode.name());
        c.bench_function(&name, |b| b.iter(|| env::of_call(black_box(&call), &config, true).unwrap()));
    }
    c.bench_function("an upstream's head", |b| {
        b.iter_batched(|| request::again(&call), passed_on, BatchSize::SmallInput);
    });
}

fn passed_on(mut call: Call) -> usize {
    let headers = forward::request(black_box(&mut call));
    head::encode(&call.method, "", &call.target, &headers, head::Length::AsGiven, None).len()
}

criterion_group!(benches, mapped);
criterion_main!(benches);
