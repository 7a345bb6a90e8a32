//! Which file a path names, and that no path leads out of the folder.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use nix::sys::stat::Mode;

use crate::site::Site;
use crate::support::{Conn, HEELER, Heeler, PATIENCE, Request, Response, SECOND, is_root, skipped};

#[track_caller]
fn expect_file(heeler: &Heeler, target: &str, text: &str) -> Response {
    let response = heeler.get(target);
    response.assert_ok();
    assert_eq!(response.text(), text, "{target}");
    response
}

#[track_caller]
fn expect_nothing(heeler: &Heeler, target: &str) {
    let response = heeler.get(target);
    response.assert_made_by_heeler(404, "not_found");
    assert!(response.text().starts_with("not_found: there is no file at "), "{target}: {}", response.text());
}

#[test]
fn files_are_found_by_their_names() {
    let site =
        Site::with(&["a.txt", "sub/b.txt", "with space & co.txt", "é.txt", "100%.txt", "a:b.txt", "back\\slash"]);
    let heeler = site.serve();
    for (target, text) in [
        ("/a.txt", "a.txt"),
        ("/a.txt?v=1&x=..%2f", "a.txt"),
        ("/sub/b.txt", "sub/b.txt"),
        ("//sub///b.txt", "sub/b.txt"),
        ("/%61%2etxt", "a.txt"),
        ("/with%20space%20&%20co.txt", "with space & co.txt"),
        ("/%C3%A9.txt", "é.txt"),
        ("/100%25.txt", "100%.txt"),
        ("/100%.txt", "100%.txt"),
        ("/a:b.txt", "a:b.txt"),
        ("/back%5Cslash", "back\\slash"),
        ("http://heeler.test/a.txt", "a.txt"),
    ] {
        expect_file(&heeler, target, text);
    }
    for target in ["/A.txt", "/a.txt/", "/a.txt/x", "/b.txt", "/sub/b", "/nothing/", "/index.html", "/"] {
        expect_nothing(&heeler, target);
    }
    let long = format!("/{}", "x".repeat(300));
    expect_nothing(&heeler, &long);
    expect_nothing(&heeler, &"/x".repeat(3000));
}

#[test]
fn folders_are_their_index() {
    let site = Site::with(&["index.html", "sub/index.html", "a:b/index.html", "empty/x", "odd/index.html/x"]);
    let heeler = site.serve();
    for (target, file) in [
        ("/", "index.html"),
        ("/?q", "index.html"),
        ("/index.html", "index.html"),
        ("/sub/", "sub/index.html"),
        ("/sub//", "sub/index.html"),
    ] {
        let response = expect_file(&heeler, target, file);
        assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    }
    for (target, location) in [
        ("/sub", "./sub/"),
        ("/sub?a=1&b=%2f", "./sub/?a=1&b=%2f"),
        ("/a:b", "./a:b/"),
        ("/s%75b", "./s%75b/"),
        ("//sub", "./sub/"),
        ("/odd/index.html", "./index.html/"),
        ("/empty", "./empty/"),
    ] {
        let response = heeler.get(target);
        assert_eq!((response.status, response.header("location")), (301, Some(location)), "{target}");
        assert_eq!(response.header("content-length"), Some("0"));
    }
    expect_nothing(&heeler, "/empty/");
    expect_nothing(&heeler, "/odd/");
}

/// The secret lies beside the folder; whatever is sent, nobody reads it.
#[test]
fn no_path_leads_out() {
    let site = Site::with(&["a.txt", "sub/b.txt", "../secret", "../site2/secret"]);
    let heeler = site.serve();
    let outside = site.path("../secret").canonicalize().expect("a path");
    for target in [
        "/../secret",
        "/./a.txt",
        "/sub/../a.txt",
        "/sub/..",
        "/..",
        "/.",
        "/../site2/secret",
        "/sub/../../secret",
        "/%2e%2e/secret",
        "/%2E%2E/secret",
        "/.%2e/secret",
        "/%2e./secret",
        "/..%2fsecret",
        "/sub%2f..%2f..%2fsecret",
        "/%2e%2e%2fsecret",
        "/sub%2fb.txt",
        "/%2f",
        "/%2fetc%2fpasswd",
        "/..%5csecret",
        "/..\\secret",
        "/sub\\..\\..\\secret",
        "/%5c..%5csecret",
        "/%c0%ae%c0%ae/secret",
        "/%c0%ae%c0%ae%c0%afsecret",
        "/%e0%80%ae%e0%80%ae/secret",
        "/%252e%252e/secret",
        "/..%252fsecret",
        "/..;/secret",
        "/%uff0e%uff0e/secret",
        "/\u{ff0e}\u{ff0e}/secret",
        "//etc/passwd",
        "///../secret",
        outside.to_str().expect("a path of plain letters"),
    ] {
        let response = heeler.get(target);
        // What is not ASCII is no target at all.
        assert!(matches!(response.status, 404 | 400), "{target}: {} {}", response.status, response.text());
    }
    for target in ["/%00", "/a.txt%00", "/a.txt%00.html", "/..%00/secret"] {
        heeler.get(target).assert_made_by_heeler(400, "bad_request");
    }
    let mut conn = heeler.conn();
    assert!(conn.send(b"GET /a.txt\0 HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(conn.read_response("GET").expect("an answer").status, 400);
    let mut conn = heeler.conn();
    assert!(conn.send(b"GET ../secret HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(conn.read_response("GET").expect("an answer").status, 400);
}

#[test]
fn names_with_a_dot_are_not_shown_but_for_well_known() {
    let site = Site::with(&[".env", ".git/config", "sub/.htpasswd", ".well-known/acme-challenge/t", ".well-known/.x"]);
    let heeler = site.serve_with(&[("static_listing", "true")]);
    for target in ["/.env", "/%2eenv", "/.git/config", "/.git/", "/.git", "/sub/.htpasswd", "/.well-known/.x"] {
        expect_nothing(&heeler, target);
    }
    expect_file(&heeler, "/.well-known/acme-challenge/t", ".well-known/acme-challenge/t");
    expect_file(&heeler, "/%2Ewell-known/acme-challenge/t", ".well-known/acme-challenge/t");
    assert_eq!(heeler.get("/.well-known").header("location"), Some("./.well-known/"));
}

/// A folder with links of all kinds; what is outside of it is called secret.
fn site_of_links() -> Site {
    let site = Site::with(&["real/file", "real/index.html", "../secret", "../out/secret"]);
    // As a Kubernetes volume of a ConfigMap has it.
    site.write("..2026_11_21/page", b"..2026_11_21/page");
    site.link("..data", "..2026_11_21");
    site.link("page", "..data/page");
    site.link("folder", "real");
    site.link("real/up", "../real/file");
    let root = site.root();
    symlink(root.join("real/file"), root.join("absolute")).expect("a link");
    for (link, target) in
        [("out", "../secret"), ("outside", "../out"), ("etc", "/etc"), ("proc", "/proc/self/root"), ("loop", "loop")]
    {
        site.link(link, target);
    }
    site.link("broken", "nothing");
    site
}

fn links_stay_inside(heeler: &Heeler) {
    for (target, text) in [
        ("/page", "..2026_11_21/page"),
        ("/folder/file", "real/file"),
        ("/folder/", "real/index.html"),
        ("/real/up", "real/file"),
        ("/absolute", "real/file"),
    ] {
        expect_file(heeler, target, text);
    }
    assert_eq!(heeler.get("/folder").header("location"), Some("./folder/"));
    for target in
        ["/out", "/outside", "/outside/", "/outside/secret", "/etc/passwd", "/proc/etc/passwd", "/loop", "/broken"]
    {
        expect_nothing(heeler, target);
    }
}

#[test]
fn links_are_followed_as_long_as_they_stay_inside() {
    links_stay_inside(&site_of_links().serve());
}

/// Linux before 5.6 and gVisor do not have the call, and old seccomp lists answer what they do not know with EPERM.
#[test]
fn links_stay_inside_without_openat2_too() {
    let site = site_of_links();
    for error in [libc::ENOSYS, libc::EPERM] {
        links_stay_inside(&site.builder().refused(libc::SYS_openat2, error).start());
    }
}

/// A folder and a link out of the site take turns under one name, as fast as they can.
#[test]
fn no_race_leads_out() {
    let site = Site::with(&["swap/file", "../out/file"]);
    site.link("turn", "../out");
    let [swap, turn] = ["swap", "turn"].map(|name| CString::new(site.path(name).into_os_string().into_vec()).unwrap());
    let exchange = || {
        let (here, flags) = (libc::AT_FDCWD, libc::RENAME_EXCHANGE);
        // SAFETY: two paths of ours that end with NUL.
        unsafe { libc::syscall(libc::SYS_renameat2, here, swap.as_ptr(), here, turn.as_ptr(), flags) }
    };
    for heeler in [site.serve(), site.builder().refused(libc::SYS_openat2, libc::ENOSYS).start()] {
        let (over, start) = (AtomicBool::new(false), Instant::now());
        let seen = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Relaxed) && start.elapsed() < PATIENCE && exchange() == 0 {
                    std::hint::spin_loop()
                }
            });
            let mut conn = heeler.conn();
            let seen: Vec<_> = (0..500).map(|_| conn.call(&Request::get("/swap/file"))).collect();
            over.store(true, Relaxed);
            seen
        });
        let served = seen.iter().filter(|response| response.status == 200).count();
        assert!((1..500).contains(&served), "{served} of 500: the two did not take turns");
        assert!(seen.iter().all(|response| response.text() != "../out/file"), "a file outside was served");
    }
}

#[test]
fn the_folder_may_be_a_link_that_is_changed() {
    let site = Site::with(&["a", "../next/a"]);
    let link = site.path("../current");
    symlink("site", &link).expect("a link");
    let root = link.to_str().expect("a path of plain letters").to_owned();
    let heeler = site.serve_with(&[("static_path", &root)]);
    expect_file(&heeler, "/a", "a");
    let new = site.path("../new");
    symlink("next", &new).expect("a link");
    fs::rename(&new, &link).expect("an exchange");
    expect_file(&heeler, "/a", "../next/a");
    fs::remove_file(&link).expect("the link");
    expect_nothing(&heeler, "/a");
}

#[test]
fn special_files_are_neither_served_nor_waited_for() {
    let site = Site::with(&["real"]);
    nix::unistd::mkfifo(&site.path("pipe"), Mode::S_IRWXU).expect("a pipe");
    let _socket = UnixListener::bind(site.path("socket")).expect("a socket");
    site.link("linked-pipe", "pipe");
    let mut special = vec!["/pipe", "/socket", "/linked-pipe", "/pipe/"];
    if is_root() {
        // /dev/zero, which would never end.
        let device = nix::sys::stat::makedev(1, 5);
        let made = nix::sys::stat::mknod(&site.path("zero"), nix::sys::stat::SFlag::S_IFCHR, Mode::S_IRWXU, device);
        made.expect("a device");
        special.push("/zero");
    }
    let heeler = site.serve();
    for target in special {
        for method in ["GET", "HEAD"] {
            let mut conn = Conn::open(heeler.address());
            conn.set_patience(5 * SECOND);
            let response = conn.call(&Request::new(method, target));
            assert_eq!((response.status, response.reason()), (404, "not_found"), "{target}");
        }
    }
}

#[test]
fn what_may_not_be_read_is_403_and_a_line_in_the_log() {
    if !is_root() {
        return skipped("only root can start heeler as somebody else");
    }
    let site = Site::with(&["mine", "closed/x"]);
    for (path, mode) in [("mine", 0o600), ("closed", 0o700), ("..", 0o755), (".", 0o755)] {
        fs::set_permissions(site.path(path), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    let program = site.path("../heeler");
    fs::copy(HEELER, &program).expect("a copy of the binary");
    let heeler = site.builder().user(65_534, &program).start();
    for target in ["/mine", "/closed/x", "/closed/"] {
        for method in ["GET", "HEAD"] {
            let response = heeler.call(&Request::new(method, target));
            assert_eq!((response.status, response.reason()), (403, "forbidden"), "{method} {target}");
        }
    }
    let line = heeler.stderr.wait_for("may not read \\\"/mine\\\"");
    assert!(line.contains("forbidden"), "{line}");
}
