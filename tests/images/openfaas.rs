//! Images that were made for OpenFaaS, with heeler's binary where their watchdog stood.

use super::boxed::echo;
use super::container::Run;
use super::engine::{build, functions, image};
use super::support::{Request, free_port};

/// As the templates of OpenFaaS begin; the function and the start follow.
fn dockerfile(base: &str, copied: &str, rest: &str) -> String {
    format!(
        "FROM heeler AS watchdog\nFROM {base}\n{copied}\n\
         RUN addgroup --system app && adduser --system --ingroup app app\nWORKDIR /home/app\nUSER app\n\
         HEALTHCHECK --interval=3s CMD [ -e /tmp/.lock ] || exit 1\n{rest}\n"
    )
}

const COPIED: &str = "COPY --from=watchdog /fwatchdog /usr/bin/fwatchdog\nRUN chmod +x /usr/bin/fwatchdog";

fn serves(name: &str, dockerfile: &str, env: &[(&str, &str)]) {
    let image = build(name, dockerfile, &functions("custom"));
    let run = Run::of(&image).boxed("64m").options(&["--health-interval", "1s"]).envs(env);
    let container = run.serve(&echo());
    assert_eq!(container.call(&echo()).text(), "some bytes", "{dockerfile}");
    container.call(&Request::get("/_/health")).assert_ok();
    super::support::eventually("its own health check is content", || {
        container.inspect("{{.State.Health.Status}}") == "healthy"
    });
    assert_eq!(container.status("NSpid").split_whitespace().last(), Some("1"), "{dockerfile}");
    assert_eq!(container.stop(super::support::PATIENCE), 0, "{dockerfile}");
}

#[test]
fn a_process_per_call_starts_however_it_is_written() {
    let Some(_) = image("custom") else { return };
    for (index, start) in [
        "ENV fprocess=\"cat\"\nCMD [\"fwatchdog\"]",
        "ENV fprocess=\"cat\"\nCMD [\"/usr/bin/fwatchdog\"]",
        "ENV fprocess=\"cat\"\nENTRYPOINT [\"fwatchdog\"]",
        "ENV fprocess=\"cat\"\nENTRYPOINT [\"/usr/bin/fwatchdog\"]\nCMD [\"fwatchdog\"]",
        "ENV fprocess=\"cat\"\nCMD exec fwatchdog",
        "ENV function_process=\"cat\" mode=\"serializing\"\nCMD [\"fwatchdog\"]",
    ]
    .into_iter()
    .enumerate()
    {
        serves(&format!("openfaas-{index}"), &dockerfile("debian:bookworm-slim", COPIED, start), &[]);
    }
}

#[test]
fn the_binary_may_come_from_either_place() {
    let Some(_) = image("custom") else { return };
    let copied = "COPY --from=watchdog /usr/bin/heeler /usr/bin/fwatchdog";
    let start = "ENV fprocess=\"cat\"\nCMD [\"fwatchdog\"]";
    serves("openfaas-heeler", &dockerfile("debian:bookworm-slim", copied, start), &[]);
}

#[test]
fn a_server_behind_http_mode_starts_as_before() {
    let Some(_) = image("python") else { return };
    let start = "COPY server.py .\nENV fprocess=\"python3 server.py\" mode=\"http\"\nCMD [\"fwatchdog\"]";
    let port = free_port().to_string();
    let url = format!("http://127.0.0.1:{port}");
    let env = [("upstream_url", url.as_str()), ("server_port", port.as_str())];
    serves("openfaas-http", &dockerfile("python:3.12-slim-bookworm", COPIED, start), &env);
}

/// One layer more on an image of ours: the old command stays in the file, and has no effect.
#[test]
fn the_old_command_may_stay_on_a_new_base() {
    let Some(_) = image("custom") else { return };
    let start = "FROM heeler-custom\nENV fprocess=\"cat\"\nCMD [\"fwatchdog\"]\n\
                 HEALTHCHECK --interval=3s CMD [ -e /tmp/.lock ] || exit 1\n";
    serves("openfaas-on-custom", start, &[]);
}
