//! What the event codec costs, in and out: a small event in each form, and large ones beside serde_json, which only
//! looks where the same bytes end. `cargo bench --bench event`.
#![allow(missing_docs, reason = "the macros make functions without")]
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use std::fmt::Write;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heeler::event::{Attributes, Data, Event, batch, binary, structured};
use hyper::HeaderMap;
use serde_json::value::RawValue;

use delivery::{delivery, small};

#[path = "given/delivery.rs"]
mod delivery;

const MIB: usize = 1 << 20;

/// Records as functions get them, in JSON.
fn records() -> String {
    let mut records = String::new();
    for n in 0..MIB / 86 {
        let comma = if n == 0 { '[' } else { ',' };
        write!(
            records,
            r#"{comma}{{"id":{n},"name":"sensor-{n}","value":{}.5,"ok":true,"tags":["a","b"],"note":"x\ny"}}"#,
            n * 7
        )
        .unwrap();
    }
    records + "]"
}

/// A structured event with this member for its data.
fn with(kind: &str, member: &str) -> Bytes {
    let attributes = r#""specversion":"1.0","id":"1","source":"/s","type":"t""#;
    Bytes::from(format!(r#"{{{attributes},"datacontenttype":"{kind}",{member},"subject":"x"}}"#))
}

/// Of about 1 MiB: JSON data that is records, one long text, or one of other letters; a string that is no JSON, without
/// escapes and with one in each line; and base64.
fn large() -> [(&'static str, Bytes); 6] {
    let text = |unit: &str| format!("\"data\":\"{}\"", unit.repeat(MIB / unit.len()));
    let line = "a line of plain text ";
    [
        ("records", with("application/json", &format!("\"data\":{}", records()))),
        ("text", with("application/json", &text(line))),
        ("letters", with("application/json", &text("größe – "))),
        ("string", with("text/plain", &text(line))),
        ("escapes", with("text/plain", &text("a line of plain text\\n"))),
        ("base64", with("image/png", &format!("\"data_base64\":\"{}\"", "AbCd".repeat(MIB / 4)))),
    ]
}

fn small_events(c: &mut Criterion) {
    let (headers, event) = (delivery(), small());
    let data = event.data.as_ref().unwrap().bytes().clone();
    c.bench_function("binary/recognise", |b| b.iter(|| heeler::event::recognise(black_box(&headers))));
    c.bench_function("binary/attributes", |b| b.iter(|| binary::attributes(black_box(&headers))));
    c.bench_function("binary/decode", |b| b.iter(|| binary::decode(black_box(&headers), data.clone())));
    c.bench_function("binary/encode", |b| {
        b.iter(|| {
            let mut out = HeaderMap::with_capacity(16);
            let body = binary::encode(black_box(&event), &mut out);
            (out, body)
        });
    });
    let body = structured::encode(&event);
    c.bench_function("structured/encode", |b| b.iter(|| structured::encode(black_box(&event))));
    c.bench_function("structured/decode", |b| b.iter(|| structured::decode(black_box(&body))));
    c.bench_function("structured/RawValue", |b| b.iter(|| scan(black_box(&body))));
    let joined = batch::join([&event; 100]);
    c.bench_function("batch/split 100", |b| b.iter(|| batch::split(black_box(&joined), 1000)));
    c.bench_function("batch/join 100", |b| b.iter(|| batch::join(black_box([&event; 100]))));
}

/// What somebody does who looks where a JSON text ends, and no more.
fn scan(body: &Bytes) -> usize {
    serde_json::from_slice::<&RawValue>(body).unwrap().get().len()
}

fn large_events(c: &mut Criterion) {
    let mut group = c.benchmark_group("1 MiB");
    for (name, body) in large() {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(format!("{name}/decode"), |b| b.iter(|| structured::decode(black_box(&body)).unwrap()));
        group.bench_function(format!("{name}/RawValue"), |b| b.iter(|| scan(black_box(&body))));
        let event = structured::decode(&body).unwrap();
        group.bench_function(format!("{name}/encode"), |b| b.iter(|| structured::encode(black_box(&event))));
    }
    // A body of a binary event has to be looked at before it can be called JSON.
    let attributes = Attributes::of([
        ("specversion", "1.0"),
        ("id", "1"),
        ("source", "/s"),
        ("type", "t"),
        ("datacontenttype", "application/json"),
    ])
    .unwrap();
    let event = Event { attributes, data: Some(Data::binary(records().into())) };
    group.bench_function("binary to structured", |b| b.iter(|| structured::encode(black_box(&event))));
    group.finish();
}

criterion_group!(benches, small_events, large_events);
criterion_main!(benches);
