//! Every setting, image, port and path that deploy/ names is there.

use std::collections::BTreeSet;

use heeler::config::Preset;
use heeler::config::vars::VARS;
use serde_json::Value;

use crate::files::{self, documents, named, objects, text, workloads};

/// What Dockerfiles/ makes.
const IMAGES: [&str; 7] =
    ["heeler", "heeler-python", "heeler-node", "heeler-go", "heeler-go-build", "heeler-java", "heeler-custom"];
/// The registry of all examples, which nobody can have.
const REGISTRY: &str = "registry.example/";

/// Every word of the files that names an image of the registry.
fn images(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || "\"'`,;)".contains(c);
    text.split(ends).filter_map(|word| word.strip_prefix(REGISTRY))
}

#[test]
fn images_are_ours_or_the_users() {
    let mut seen = BTreeSet::new();
    for file in [named(".yaml"), named(".md")].concat() {
        for image in images(&text(&file)) {
            let (name, tag) = image.split_once(':').unwrap_or((image, ""));
            assert!(IMAGES.contains(&name) || name.starts_with("my-"), "deploy/{file}: {image} is made by nobody");
            assert_ne!(tag, "latest", "deploy/{file}: {image} is another one tomorrow");
            if IMAGES.contains(&name) {
                assert_eq!(tag, env!("CARGO_PKG_VERSION"), "deploy/{file}: {image} is of another version");
                seen.insert(name.to_owned());
            }
        }
    }
    assert!(seen.contains("heeler-python") && seen.contains("heeler-go-build"), "{seen:?}");
}

#[test]
fn every_image_that_is_run_has_a_tag() {
    for workload in workloads() {
        let image = workload.container()["image"].as_str().unwrap();
        assert!(image.starts_with(REGISTRY) && image.contains(':'), "{}: {image}", workload.document.place());
    }
}

#[test]
fn settings_are_in_the_table() {
    for workload in workloads() {
        for name in workload.env().keys() {
            assert!(VARS.iter().any(|var| var.name == name), "{}: there is no {name}", workload.document.place());
        }
    }
}

/// The port of metrics as nobody has set it.
fn metrics_port() -> u64 {
    let Preset::Is(port) = VARS.iter().find(|var| var.name == "metrics_port").unwrap().default else {
        panic!("metrics_port has no default");
    };
    port.parse().unwrap()
}

#[test]
fn ports_are_those_that_heeler_opens() {
    for workload in workloads() {
        let place = workload.document.place();
        let ports = workload.container()["ports"].as_array().unwrap();
        let declared = |index: usize, key: &str| ports.get(index).map(|port| port[key].clone());
        // What heeler listens on if nothing is set; Knative says the declared one in PORT.
        assert_eq!(workload.port(), 8080, "{place}");
        if !workload.document.is_knative() {
            assert_eq!(declared(1, "containerPort"), Some(metrics_port().into()), "{place}");
            assert_eq!(declared(1, "name"), Some("metrics".into()), "{place}");
        }
        let annotations = &workload.template()["metadata"]["annotations"];
        assert_eq!(annotations["prometheus.io/scrape"], "true", "{place}");
        assert_eq!(annotations["prometheus.io/port"], metrics_port().to_string(), "{place}");
        assert_eq!(annotations["prometheus.io/path"], "/metrics", "{place}");
    }
    let other = [documents("knative/pod-monitor.yaml"), documents("prometheus/scrape.yaml")].concat_text();
    assert_eq!(other.matches(&format!("$1:{}", metrics_port())).count(), 2, "{other}");
}

/// All values of documents, as text.
trait ConcatText {
    fn concat_text(&self) -> String;
}

impl ConcatText for [Vec<files::Document>; 2] {
    fn concat_text(&self) -> String {
        self.iter().flatten().map(|document| document.value.to_string()).collect()
    }
}

/// What a PodMonitor and a Service find by its name has that name.
#[test]
fn ports_are_found_by_their_names() {
    let deployment = workloads().into_iter().find(|workload| !workload.document.is_knative()).unwrap();
    let ports = deployment.container()["ports"].as_array().unwrap().clone();
    let is_there = |name: &Value| ports.iter().any(|port| &port["name"] == name);
    for document in objects() {
        let spec = &document.value["spec"];
        match document.kind() {
            "Service" if !document.is_knative() => assert!(is_there(&spec["ports"][0]["targetPort"]), "{spec}"),
            "PodMonitor" if document.file.starts_with("kubernetes/") => {
                assert!(is_there(&spec["podMetricsEndpoints"][0]["port"]), "{spec}");
            }
            _ => {}
        }
    }
    for (name, probe) in deployment.probes() {
        assert!(is_there(&probe["httpGet"]["port"]), "{name}: {probe}");
    }
}

#[test]
fn files_say_what_they_are() {
    for file in named(".yaml") {
        let text = text(&file);
        let comment: Vec<_> = text.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(!comment.is_empty(), "deploy/{file} does not open with a comment");
        let says = comment.join(" ");
        let is_told = says.contains("Change") || says.contains("change") || file.ends_with("rules.test.yaml");
        assert!(is_told, "deploy/{file} does not say what to change");
        let long = text.lines().find(|line| line.chars().count() > 140);
        assert_eq!(long, None, "deploy/{file} has a line that is too long to read");
    }
}

#[test]
fn the_readme_names_every_file() {
    let readme = text("README.md");
    for file in [named(".yaml"), named(".json")].concat() {
        assert!(readme.contains(&file), "deploy/README.md does not name {file}");
    }
}
