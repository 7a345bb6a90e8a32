//! heeler as the plain init of a container.

use super::container::Run;
use super::engine::image;
use super::support::{PATIENCE, eventually};

#[test]
fn orphans_are_collected_and_signals_handed_on() {
    let Some(image) = image("custom") else { return };
    // An orphan that ends at once, and a look at who is still in the process table; then a trap for TERM.
    let script = "(sh -c 'exit 3' & echo \"orphan $!\" >/tmp/orphan) \n\
        while ls /proc/$(cut -d' ' -f2 /tmp/orphan) >/dev/null 2>&1; do sleep 0.05; done\n\
        trap 'echo heard; exit 7' TERM; echo waiting; while :; do sleep 0.05; done";
    let run = Run::of(&image).boxed("64m").options(&["--entrypoint", "/usr/bin/heeler"]);
    let container = run.command(&["init", "--", "sh", "-c", script]).start();
    eventually("the orphan is collected", || container.logs().contains("waiting"));
    assert_eq!(container.stop(PATIENCE), 7);
    assert!(container.logs().contains("heard"), "{}", container.logs());
}
