//! What it costs to read the settings of an environment as it is in a cluster, which happens once, before anything can be
//! served. `cargo bench --bench config`.
#![allow(missing_docs, reason = "the macros make functions without")]
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use heeler::config::{Host, Settings};

#[path = "given/environment.rs"]
mod environment;

fn settings(c: &mut Criterion) {
    let vars = environment::environment();
    let host = Host::default();
    c.bench_function("settings of a pod", |b| b.iter(|| Settings::from_vars(&[], black_box(&vars), &host).unwrap()));
}

criterion_group!(benches, settings);
criterion_main!(benches);
