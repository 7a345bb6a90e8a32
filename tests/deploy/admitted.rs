//! What a cluster and a Prometheus say: the platforms' own types and webhooks, and promtool.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::files::{folder, function_with_calls_in_flight, named, objects, root, text};
use crate::support::installed;
use crate::watched::queries;

/// Runs a program to its end; its output, and whether it is content.
fn run(program: &Path, args: &[&str], at: &Path) -> (bool, String) {
    let done = Command::new(program).args(args).current_dir(at).output();
    let done = done.unwrap_or_else(|problem| panic!("{}: {problem}", program.display()));
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&said).into_owned())
}

pub(crate) fn admit(args: &[&str], at: &Path) -> Option<(bool, String)> {
    Some(run(&installed("deploy_go")?.join("admit"), args, at))
}

pub(crate) fn promtool(args: &[&str], at: &Path) -> Option<(bool, String)> {
    Some(run(&installed("deploy_prometheus")?.join("bin/promtool"), args, at))
}

#[track_caller]
pub(crate) fn assert_good(answer: &(bool, String)) {
    assert!(answer.0, "\n{}", answer.1);
}

/// All files that have objects for a cluster.
fn files_of_objects() -> Vec<String> {
    let mut files: Vec<_> = objects().into_iter().map(|document| document.file).collect();
    files.dedup();
    files
}

#[test]
fn a_cluster_takes_every_document() {
    let files = files_of_objects();
    let args: Vec<&str> = files.iter().map(String::as_str).collect();
    let Some(answer) = admit(&args, &folder()) else { return };
    assert_good(&answer);
    assert_eq!(answer.1.matches(": ok\n").count(), objects().len(), "\n{}", answer.1);
}

#[test]
fn kustomize_makes_the_same_of_it() {
    for part in ["knative", "kubernetes"] {
        let Some(answer) = admit(&["-k", part], &folder()) else { return };
        assert_good(&answer);
        let theirs = |file: &str| file.starts_with(&format!("{part}/")) && !file.ends_with("kustomization.yaml");
        let ours = objects().into_iter().filter(|document| theirs(&document.file)).count();
        assert_eq!(answer.1.matches(": ok\n").count(), ours, "{part} leaves something out:\n{}", answer.1);
    }
}

#[test]
fn a_cluster_takes_the_metric_that_is_commented_out() {
    let there = tempfile::tempdir().unwrap();
    fs::write(there.path().join("function.yaml"), function_with_calls_in_flight()).unwrap();
    let Some(answer) = admit(&["function.yaml"], there.path()) else { return };
    assert_good(&answer);
}

/// The judge is a judge: it says no to what is wrong.
#[test]
fn a_cluster_refuses_what_is_wrong() {
    let http = text("knative/http-function.yaml");
    let event = text("knative/event-function.yaml");
    let task = text("tekton/build-function.yaml");
    let there = tempfile::tempdir().unwrap();
    for (from, what, becomes, says) in [
        (&http, "containerConcurrency:", "containerConcurency:", "unknown field"),
        (&http, "name: http1", "name: http2", "Port name http2 is not allowed"),
        (&http, "timeoutSeconds: 65", "timeoutSeconds: 6000", "spec.template.spec.timeoutSeconds"),
        (&http, "\"20\"\n        # A Prometheus", "\"many\"\n        # A Prometheus", "max-scale"),
        (&event, "broker: default", "borker: default", "unknown field"),
        (&event, "backoffDelay: PT1S", "backoffDelay: 1s", "backoffDelay"),
        (&event, "  sink:\n", "  sunk:\n", "unknown field"),
        (&task, "$(params.kaniko)", "$(params.kanico)", "non-existent variable"),
        (&text("kubernetes/function.yaml"), "maxUnavailable: 0", "maxUnavailabel: 0", "unknown field"),
        (&text("kubernetes/pod-monitor.yaml"), "targetLabel", "targetLable", "unknown field"),
    ] {
        assert!(from.contains(what), "{what} is not there to be changed");
        let file = there.path().join("wrong.yaml");
        fs::write(&file, from.replacen(what, becomes, 1)).unwrap();
        let Some((good, said)) = admit(&[file.to_str().unwrap()], there.path()) else { return };
        assert!(!good && said.contains(says), "{becomes}: {said}");
    }
}

#[test]
fn the_rules_are_rules_and_do_what_their_tests_say() {
    let at = folder().join("prometheus");
    let Some(answer) = promtool(&["check", "rules", "rules.yaml"], &at) else { return };
    assert_good(&answer);
    assert_good(&promtool(&["test", "rules", "rules.test.yaml"], &at).unwrap());
}

/// As the comment at the head of the rules has it.
#[test]
fn the_rules_become_a_rule_of_the_operator() {
    let rules = text("prometheus/rules.yaml");
    let command: Vec<_> = rules.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
    let command = command.join("\n");
    let command = command.strip_suffix(" | kubectl apply -f -").expect("the comment of rules.yaml has the command");
    let at = folder().join("prometheus");
    let (good, made) = run(Path::new("sh"), &["-euc", command], &at);
    assert!(good, "{made}");
    let there = tempfile::tempdir().unwrap();
    fs::write(there.path().join("rule.yaml"), made).unwrap();
    let Some(answer) = admit(&["rule.yaml"], there.path()) else { return };
    assert_good(&answer);
    assert!(answer.1.contains("PrometheusRule heeler: ok"), "{}", answer.1);
}

#[test]
fn every_query_of_the_dashboard_is_one() {
    let mut file = String::from("groups:\n- name: dashboard\n  rules:\n");
    for (at, (place, query)) in queries().iter().enumerate() {
        // What Grafana puts in.
        let query = query.replace("$__rate_interval", "5m").replace("$__interval", "1m");
        let query = query.replace("$namespace", "n").replace("$function", "f");
        assert!(!query.contains('$'), "{place}: {query}");
        let _ = writeln!(file, "  # {place}\n  - record: query:{at}\n    expr: {query:?}");
    }
    let there = tempfile::tempdir().unwrap();
    fs::write(there.path().join("queries.yaml"), file).unwrap();
    let Some(answer) = promtool(&["check", "rules", "queries.yaml"], there.path()) else { return };
    assert_good(&answer);
    assert!(answer.1.contains(&format!("{} rules found", queries().len())), "{}", answer.1);
}

/// Some builds of promtool know no clusters: the way to find pods is put aside for it.
#[test]
fn the_scrape_is_a_configuration() {
    let there = tempfile::tempdir().unwrap();
    let scrape = text("prometheus/scrape.yaml");
    let found = "    kubernetes_sd_configs:\n      - role: pod\n";
    assert!(scrape.contains(found), "{scrape}");
    let scrape = scrape.replace(found, "    static_configs:\n      - targets: [127.0.0.1:8081]\n");
    fs::write(there.path().join("scrape.yaml"), scrape).unwrap();
    fs::copy(folder().join("prometheus/rules.yaml"), there.path().join("rules.yaml")).unwrap();
    let Some(answer) = promtool(&["check", "config", "scrape.yaml"], there.path()) else { return };
    assert_good(&answer);
    assert!(answer.1.contains("rules found"), "the rules beside it are not read: {}", answer.1);
}

#[test]
fn every_file_is_looked_at() {
    let looked_at = files_of_objects();
    let others = [
        "knative/references.yaml",
        "kubernetes/references.yaml",
        "prometheus/rules.test.yaml",
        "prometheus/rules.yaml",
        "prometheus/scrape.yaml",
    ];
    let rest: Vec<_> = named(".yaml").into_iter().filter(|file| !looked_at.contains(file)).collect();
    assert_eq!(rest, others, "below {}", root().display());
}
