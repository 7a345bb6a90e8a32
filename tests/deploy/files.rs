//! The files below deploy/, read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One document of a YAML file.
#[derive(Debug)]
pub(crate) struct Document {
    /// Below deploy/.
    pub(crate) file: String,
    pub(crate) value: Value,
}

impl Document {
    pub(crate) fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap_or("")
    }

    pub(crate) fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().unwrap_or("")
    }

    /// To be found again in a failure.
    pub(crate) fn place(&self) -> String {
        format!("deploy/{}: {} {}", self.file, self.kind(), self.name())
    }

    pub(crate) fn is_knative(&self) -> bool {
        self.value["apiVersion"] == "serving.knative.dev/v1"
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn folder() -> PathBuf {
    root().join("deploy")
}

/// Every file with this ending, by its name below deploy/.
pub(crate) fn named(ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                found.push(path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "there is no file {ending} below deploy/");
    found
}

pub(crate) fn text(file: &str) -> String {
    fs::read_to_string(folder().join(file)).unwrap_or_else(|problem| panic!("deploy/{file}: {problem}"))
}

/// kubernetes/function.yaml with the metric that is commented out there, because it needs an adapter.
pub(crate) fn function_with_calls_in_flight() -> String {
    let text = text("kubernetes/function.yaml");
    let start = text.find("    # - type: Pods\n").expect("the metric is commented out");
    let length: usize =
        text[start..].split_inclusive('\n').take_while(|line| line.starts_with("    #")).map(str::len).sum();
    let (before, after) = (&text[..start], &text[start + length..]);
    let metric: String =
        text[start..start + length].split_inclusive('\n').map(|line| line.replacen("# ", "", 1)).collect();
    format!("{before}{metric}{after}")
}

/// All documents of a file.
pub(crate) fn documents(file: &str) -> Vec<Document> {
    parse(file, &text(file))
}

pub(crate) fn parse(file: &str, text: &str) -> Vec<Document> {
    let parts = text.split("\n---\n");
    let read = |part| serde_yaml_ng::from_str(part).unwrap_or_else(|problem| panic!("deploy/{file}: {problem}"));
    parts.map(|part| Document { file: file.to_owned(), value: read(part) }).collect()
}

/// The documents that a cluster is given.
pub(crate) fn objects() -> Vec<Document> {
    let all = named(".yaml").into_iter().flat_map(|file| documents(&file));
    all.filter(|document| !document.kind().is_empty()).collect()
}

/// Something that runs heeler: its one container, and what stands around it.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) document: Document,
}

pub(crate) fn workloads() -> Vec<Workload> {
    let runs = |document: &Document| document.is_knative() || document.kind() == "Deployment";
    let found: Vec<_> = objects().into_iter().filter(runs).map(|document| Workload { document }).collect();
    assert!(found.len() >= 5, "{found:?}");
    found
}

impl Workload {
    pub(crate) fn template(&self) -> &Value {
        &self.document.value["spec"]["template"]
    }

    pub(crate) fn pod(&self) -> &Value {
        &self.template()["spec"]
    }

    pub(crate) fn container(&self) -> &Value {
        let all = self.pod()["containers"].as_array().unwrap();
        assert_eq!(all.len(), 1, "{}", self.document.place());
        &all[0]
    }

    /// What the manifest sets.
    pub(crate) fn env(&self) -> BTreeMap<String, String> {
        let place = self.document.place();
        let pair = |entry: &Value| {
            let text = |key: &str| entry[key].as_str().map(str::to_owned);
            // A number or a truth without quotes is refused by the API.
            text("name").zip(text("value")).unwrap_or_else(|| panic!("{place}: {entry} is not a name and a text"))
        };
        let all: Vec<_> = self.container()["env"].as_array().unwrap().iter().map(pair).collect();
        let env: BTreeMap<_, _> = all.iter().cloned().collect();
        assert_eq!(env.len(), all.len(), "{place}: a name is there twice");
        env
    }

    /// And what the platform adds, as the manifest makes it.
    pub(crate) fn env_there(&self) -> BTreeMap<String, String> {
        let mut env = self.env();
        let mut add = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
        add("KUBERNETES_SERVICE_HOST", "10.96.0.1");
        if self.document.is_knative() {
            add("K_SERVICE", self.document.name());
            add("K_REVISION", &format!("{}-00001", self.document.name()));
            add("K_CONFIGURATION", self.document.name());
        }
        for binding in self.bindings() {
            add("K_SINK", "http://broker-ingress.knative-eventing.svc.cluster.local/default/default");
            add("K_CE_OVERRIDES", &binding.value["spec"]["ceOverrides"].to_string());
        }
        env
    }

    /// The SinkBindings that are for it.
    fn bindings(&self) -> Vec<Document> {
        let is_ours = |document: &Document| {
            document.kind() == "SinkBinding" && document.value["spec"]["subject"]["name"] == self.document.name()
        };
        objects().into_iter().filter(is_ours).collect()
    }

    /// The declared port of calls.
    pub(crate) fn port(&self) -> u64 {
        self.container()["ports"][0]["containerPort"].as_u64().unwrap()
    }

    /// Each probe's name, and what it asks.
    pub(crate) fn probes(&self) -> Vec<(&'static str, &Value)> {
        let all = ["readinessProbe", "livenessProbe", "startupProbe"];
        let found = all.iter().map(|name| (*name, &self.container()[*name]));
        found.filter(|(_, probe)| !probe.is_null()).collect()
    }
}
