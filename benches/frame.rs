//! What the frames of the worker protocol cost, in and out: small ones, as most calls are, and the largest.
//! `cargo bench --bench frame`.
#![allow(missing_docs, reason = "the macros make functions without")]
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use heeler::invoke::warm::frame::{Kind, LARGEST, put, take};

/// What one read may bring.
const MANY: usize = 100;

/// So many frames with a payload of this size.
fn frames(count: usize, size: usize) -> BytesMut {
    let mut out = BytesMut::new();
    for _ in 0..count {
        put(&mut out, Kind::Data, false, 7, &vec![b'x'; size]);
    }
    out
}

/// Takes all that is there.
fn drain(mut buffer: BytesMut) -> usize {
    let mut bytes = 0;
    while let Some(frame) = take(&mut buffer).unwrap() {
        bytes += frame.payload.len();
    }
    bytes
}

fn in_and_out(c: &mut Criterion) {
    for (name, count, size) in [("100 B", 1, 100), ("100 of 100 B", MANY, 100), ("256 KiB", 1, LARGEST)] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes((count * size) as u64));
        let read = frames(count, size);
        group.bench_function("take", |b| {
            b.iter_batched(|| read.clone(), |read| drain(black_box(read)), BatchSize::SmallInput);
        });
        let payload = vec![b'x'; size];
        let mut out = BytesMut::with_capacity(read.len());
        group.bench_function("put", |b| {
            b.iter(|| {
                out.clear();
                for _ in 0..count {
                    put(&mut out, Kind::Data, false, 7, black_box(&payload));
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, in_and_out);
criterion_main!(benches);
