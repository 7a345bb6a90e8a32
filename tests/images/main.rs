//! The images of Dockerfiles/ in containers, through an engine's command line and real HTTP. scripts/test-images.sh builds
//! them and says in HEELER_TEST_IMAGES which there are; without that the tests say in one line that they were left out.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests start the engine's client from outside, and may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod boxed;
mod container;
mod dockerfiles;
mod engine;
mod init;
mod openfaas;
mod stop;
mod trouble;
mod users;
