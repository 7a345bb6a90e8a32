//! What the event codec costs: a small event in each form, and a large one beside serde_json, which only looks where
//! the same bytes end. `cargo bench --bench event`.
#![allow(missing_docs, reason = "the macros make functions without")]
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use std::fmt::Write;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heeler::event::{Event, batch, binary, structured};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::value::RawValue;

const MIB: usize = 1 << 20;

/// As a broker delivers it, the headers in one buffer, as hyper hands them out.
fn delivery() -> HeaderMap {
    let lines = [
        ("host", "function.default.svc.cluster.local"),
        ("ce-id", "d8f7b1c2-5a54-4c8e-9d5e-0a7c1f6f2b11"),
        ("ce-source", "/apis/v1/namespaces/default/pingsources/every-minute"),
        ("ce-specversion", "1.0"),
        ("ce-type", "dev.knative.sources.ping"),
        ("ce-time", "2026-05-04T10:31:00.123456Z"),
        ("ce-subject", "a%20subject"),
        ("ce-knativearrivaltime", "2026-05-04T10:31:00.125Z"),
        ("content-type", "application/json"),
        ("content-length", "23"),
        ("prefer", "reply"),
    ];
    let shared = Bytes::from(lines.map(|line| line.1).concat());
    let mut at = 0;
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_maybe_shared(shared.slice(at..at + value.len())).unwrap();
        at += value.as_bytes().len();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

fn small() -> Event {
    binary::decode(&delivery(), Bytes::from_static(br#"{"message":"hello","n":1.10}"#)).unwrap()
}

/// Of about 1 MiB: records as functions get them, one long text, and one of other letters.
fn large() -> [(&'static str, Bytes); 3] {
    let mut records = String::new();
    for n in 0..MIB / 86 {
        let comma = if n == 0 { "" } else { "," };
        write!(
            records,
            r#"{comma}{{"id":{n},"name":"sensor-{n}","value":{}.5,"ok":true,"tags":["a","b"],"note":"x\ny"}}"#,
            n * 7
        )
        .unwrap();
    }
    let event = |data: String| {
        Bytes::from(format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{data},"subject":"x"}}"#))
    };
    [
        ("records", event(format!("[{records}]"))),
        ("text", event(format!("\"{}\"", "a line of plain text ".repeat(MIB / 21)))),
        ("letters", event(format!("\"{}\"", "größe – ".repeat(MIB / 12)))),
    ]
}

fn bench(c: &mut Criterion) {
    let headers = delivery();
    c.bench_function("binary/attributes", |b| b.iter(|| binary::attributes(black_box(&headers))));
    c.bench_function("binary/recognise", |b| b.iter(|| heeler::event::recognise(black_box(&headers))));
    let event = small();
    c.bench_function("binary/headers", |b| {
        b.iter(|| {
            let mut out = HeaderMap::with_capacity(16);
            binary::headers(black_box(&event.attributes), &mut out);
            out
        });
    });
    let body = structured::encode(&event);
    c.bench_function("structured/encode", |b| b.iter(|| structured::encode(black_box(&event))));
    c.bench_function("structured/decode", |b| b.iter(|| structured::decode(black_box(&body))));
    let joined = batch::join([&event; 100]);
    c.bench_function("batch/split 100", |b| b.iter(|| batch::split(black_box(&joined), 1000)));

    let mut group = c.benchmark_group("1 MiB");
    for (name, body) in large() {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(format!("{name}/decode"), |b| b.iter(|| structured::decode(black_box(&body)).unwrap()));
        group.bench_function(format!("{name}/RawValue"), |b| {
            b.iter(|| serde_json::from_slice::<&RawValue>(black_box(&body)).unwrap().get().len());
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
