//! Handlers that fail: the status says whether the delivery is made again, and nothing of a half answer is an event.

use crate::event::{STRUCTURED, binary, delivery, printing, shell};
use crate::support::{MODES, Then, Upstream};

const WRAP: [(&str, &str); 2] = [("reply_type", "r.t"), ("reply_source", "/r")];

#[test]
fn failures_keep_their_status() {
    for mode in MODES {
        let late = if mode == "classic" { 408 } else { 504 };
        let table = [("exit 1", 500), ("kill -9 $$", 502), ("exit 3", 422), ("exit 4", 429), ("exec sleep 60", late)];
        for (script, status) in table {
            let env = [("exit_codes", "3:422,4:429"), ("exec_timeout", "700ms")];
            for more in [&[][..], &WRAP, &[("reply", "event")]] {
                let heeler = printing(mode, script).envs(&env).envs(more).start();
                let answer = heeler.call(&delivery(binary()));
                assert_eq!((answer.status, answer.header("ce-id")), (status, None), "{mode}: {script}");
            }
        }
    }
}

/// The exit code comes when the head of an answer would long be out.
#[test]
fn a_late_exit_code_counts_where_the_output_is_dropped() {
    for (code, status) in [(3, 422), (1, 500), (5, 202), (6, 202)] {
        let script = format!("head -c 100000 /dev/zero; exit {code}");
        let env = [("exit_codes", "3:422,5:204,6:200"), ("stream_hold", "1ms")];
        for reply in ["auto", "event"] {
            let heeler = shell("streaming", &script).envs(&env).env("reply", reply).start();
            let answer = heeler.call(&delivery(binary()));
            assert_eq!(answer.status, status, "exit {code}, reply={reply}: {}", answer.text());
        }
    }
}

/// The data of a binary event flows: that it is cut must show.
#[test]
fn a_cut_answer_is_no_event() {
    let heeler = shell("streaming", "head -c 100000 /dev/zero; exit 1").envs(&WRAP).start();
    let failure = heeler.conn().try_call(&delivery(binary())).unwrap_err();
    assert_eq!(failure.cut().header("ce-type"), Some("r.t"));
    let heeler = shell("streaming", "echo '{\"specversion\":\"1.0\"'; sleep 0.2; exit 1")
        .envs(&[("content_type", STRUCTURED), ("stream_hold", "1ms")])
        .start();
    heeler.call(&delivery(binary())).assert_made_by_heeler(500, "exit");
    for kind in [STRUCTURED, "text/plain"] {
        let upstream = Upstream::serve(move |link, _| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 50");
            link.send(format!("{head}\r\n\r\n{{\"specversion\":\"1.0\"").as_bytes());
            Then::Close
        });
        let answer = upstream.heeler(&[("events", "auto")]).call(&delivery(binary()));
        answer.assert_made_by_heeler(502, "upstream");
    }
}

#[test]
fn a_servers_own_failures_reach_the_broker() {
    let upstream = Upstream::serve(|link, asked| {
        let status = asked.target().trim_start_matches('/').to_owned();
        link.send(format!("HTTP/1.1 {status} Said\r\nContent-Length: 4\r\n\r\nself").as_bytes());
        Then::Keep
    });
    let heeler = upstream.heeler(&[("events", "auto"), WRAP[0], WRAP[1]]);
    for status in [301, 400, 404, 422, 429, 500, 503] {
        let answer = heeler.call(&delivery(binary()).target(&format!("/{status}")));
        assert_eq!((answer.status, answer.text().as_str(), answer.header("ce-id")), (status, "self", None));
    }
}
