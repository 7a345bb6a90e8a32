//! The handler's command: where it is named, how it is split, and what if it vanishes.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use support::{Heeler, MODES, say_of, testfn, testfn_path};

#[test]
fn a_setting_that_only_classic_watchdog_knows_means_classic() {
    let command = testfn("print-then-exit 3");
    let heeler = Heeler::start(&[("fprocess", &command), ("combine_output", "true")]);
    assert_eq!(heeler.get("/").text().trim_end(), "exit status 3\npartial");
    let heeler = Heeler::start(&[("fprocess", &command)]);
    assert!(!heeler.get("/").text().contains("partial"), "streaming is the default");
}

/// The peers split at every blank: no quotes, and two blanks are an empty word.
#[test]
fn commands_are_split_into_words_as_a_shell_does() {
    for (words, expected) in [
        ("args  one   two", "[one]\n[two]\n"),
        ("args 'one two' \"three  four\" five\\ six", "[one two]\n[three  four]\n[five six]\n"),
        ("args '' \"\"", "[]\n[]\n"),
        ("args a=b $HOME `id` *", "[a=b]\n[$HOME]\n[`id`]\n[*]\n"),
    ] {
        assert_eq!(Heeler::play("streaming", words, &[]).get("/").text(), expected, "{words}");
    }
    let heeler = Heeler::start(&[("fprocess", "sh -c 'printf \"%s|\" \"a  b\" c'")]);
    assert_eq!(heeler.get("/").text(), "a  b|c|");
}

#[test]
fn the_command_line_wins_over_both_names_of_the_command() {
    let path = testfn_path();
    let path = path.to_str().unwrap();
    let (ours, theirs) = (testfn("say function_process"), testfn("say fprocess"));
    let both = || Heeler::builder().env("function_process", &ours).env("fprocess", &theirs);
    assert_eq!(both().start().get("/").text(), "function_process\n");
    assert_eq!(both().args(["--", path, "args", "a  b"]).start().get("/").text(), "[a  b]\n");
    assert_eq!(both().args([path, "args", "--help"]).start().get("/").text(), "[--help]\n");
}

/// of-watchdog answers 200 with nothing; classic-watchdog loses a place for good.
#[test]
fn a_handler_that_vanished_is_a_502_each_time() {
    for mode in MODES {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("handler");
        symlink(testfn_path(), &copy).unwrap();
        let command = format!("{} {} fine", copy.display(), say_of(mode));
        let env = [("mode", mode), ("fprocess", &command), ("max_inflight", "1"), ("write_debug", "true")];
        let heeler = Heeler::start(&env);
        heeler.get("/").assert_ok();
        fs::rename(&copy, folder.path().join("gone")).unwrap();
        for _ in 0..5 {
            heeler.get("/").assert_made_by_heeler(502, "exec");
        }
        fs::rename(folder.path().join("gone"), &copy).unwrap();
        heeler.get("/").assert_ok();
        heeler.wait_childless();
    }
}
