//! Files on their way: those that change meanwhile, clients that do not read, places that are taken.

use crate::site::{Download, Site};
use crate::support::h2::{connect, read, request};
use crate::support::{Conn, Heeler, Request, SECOND, assert_same, eventually, pattern, tree, within};

const MIB: u64 = 1024 * 1024;

#[test]
fn files_of_all_sizes_are_whole() {
    let site = Site::with(&[]);
    let sizes = [0, 1, 4095, 65_535, 65_536, 65_537, 131_072, 1_000_000, 16 << 20];
    for size in sizes {
        site.write(&size.to_string(), &pattern(size));
    }
    let heeler = site.serve();
    let mut conn = heeler.conn();
    for size in sizes {
        let response = conn.call(&Request::get(&format!("/{size}")));
        assert_eq!(response.header("content-length"), Some(&*size.to_string()));
        assert_same(&response.assert_ok().body, &pattern(size), &format!("{size} bytes"));
    }
}

#[test]
fn a_file_that_shrinks_never_ends_cleanly() {
    let site = Site::with(&[]);
    let file = site.sparse("big", 64 * MIB);
    let heeler = site.serve();
    let mut download = Download::begin(heeler.conn(), "/big");
    file.set_len(32 * MIB).expect("a length");
    // What of a piece is there is not sent either.
    assert_eq!(download.finish(), Err(32 * MIB));
    let line = heeler.stderr.wait_for("became shorter while it was sent");
    assert!(line.contains("file: "), "{line}");
    assert_eq!(heeler.call(&Request::new("HEAD", "/big")).header("content-length"), Some("33554432"));
}

#[tokio::test]
async fn a_file_that_shrinks_resets_its_stream() {
    let site = Site::with(&["a"]);
    let file = site.sparse("big", 64 * MIB);
    let heeler = site.serve();
    let mut client = connect(heeler.address()).await;
    let response = client.send(request("GET", "/big", &[], "")).await.expect("a head");
    file.set_len(MIB).expect("a length");
    assert!(read(response).await.is_err());
    assert_eq!(client.call(request("GET", "/a", &[], "")).await.expect("an answer").text(), "a", "the rest goes on");
}

/// What was opened is sent, whatever takes its name meanwhile.
#[test]
fn a_file_that_is_replaced_is_sent_to_its_end() {
    let site = Site::with(&[]);
    site.write("big", &pattern(32 << 20));
    site.write("new", b"new");
    let heeler = site.serve();
    let mut conn = heeler.conn();
    assert!(conn.send(&Request::get("/big").bytes()));
    let mut response = conn.read_head().expect("a head");
    std::fs::rename(site.path("new"), site.path("big")).expect("an exchange");
    assert!(conn.read_body(&mut response, "GET").is_ok(), "the old file is cut");
    assert_same(&response.body, &pattern(32 << 20), "the old file");
    assert_eq!(heeler.get("/big").assert_ok().text(), "new");
}

#[test]
fn a_file_that_grows_is_sent_as_long_as_it_was() {
    let site = Site::with(&[]);
    let file = site.sparse("log", 32 * MIB);
    let heeler = site.serve();
    let mut download = Download::begin(heeler.conn(), "/log");
    file.set_len(64 * MIB).expect("a length");
    assert_eq!(download.finish(), Ok(32 * MIB));
}

/// The one thread serves others while many clients do not read, and none of them costs more than a piece of its file.
#[test]
fn clients_that_do_not_read_cost_little() {
    let site = Site::with(&["a"]);
    site.sparse("big", 64 * MIB);
    let heeler = site.serve();
    drop(narrow(&heeler));
    eventually("the file is closed", || open_files(heeler.pid) == 0);
    let idle = tree::size(heeler.pid, "VmRSS");
    let clients: Vec<_> = (0..100).map(|_| narrow(&heeler)).collect();
    assert_eq!(open_files(heeler.pid), 100);
    for _ in 0..10 {
        assert_eq!(heeler.get("/a").assert_ok().text(), "a");
    }
    let grown = tree::grown(heeler.pid, "VmRSS", idle);
    assert!(grown < 40 * MIB, "{grown} bytes for 100 clients");
    drop(clients);
    eventually("all files are closed", || open_files(heeler.pid) == 0);
}

/// A client with little room for what it does not read.
fn narrow(heeler: &Heeler) -> Download {
    Download::begin(Conn::open_narrow(heeler.address()), "/big")
}

/// How many times heeler has `big` open.
fn open_files(pid: i32) -> usize {
    tree::open_files(pid).values().filter(|path| path.ends_with("/big")).count()
}

#[test]
fn a_place_is_taken_until_the_file_is_sent() {
    let site = Site::with(&["a"]);
    site.sparse("big", 64 * MIB);
    let heeler = site.serve_with(&[("max_inflight", "1")]);
    let download = Download::begin(heeler.conn(), "/big");
    heeler.get("/a").assert_made_by_heeler(429, "full");
    drop(download);
    eventually("the place is free", || heeler.get("/a").status == 200);
}

/// `exec_timeout` is for handlers: a slow download is bounded by `write_timeout`, which counts from the last byte taken.
#[test]
fn only_a_stalled_download_is_given_up() {
    let site = Site::with(&[]);
    site.sparse("big", 64 * MIB);
    let heeler = site.serve_with(&[("exec_timeout", "1s"), ("write_timeout", "2s")]);
    let (_stalled, mut slow) = (narrow(&heeler), narrow(&heeler));
    let mut read = 0;
    let gone = within(20 * SECOND, || {
        read += slow.some();
        open_files(heeler.pid) == 1
    });
    assert!(gone && read > 0, "the stalled one is closed");
    assert!(slow.some() > 0, "the slow one goes on");
}
