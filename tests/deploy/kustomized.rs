//! What kustomize makes of the folders, as they are and under a kustomization of the user's own.

use std::fs;

use serde_json::Value;

use crate::admitted::{admit, assert_good};
use crate::files::{Document, folder, named, parse, text};

/// The kustomization in README.md that points at the folder, for an application of this name.
fn overlay(part: &str, application: &str) -> String {
    let readme = text("README.md");
    let blocks = readme.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut found = blocks.filter(|block| block.contains(&format!("resources: [deploy/{part}]")));
    let block = found.next().unwrap_or_else(|| panic!("README.md has no kustomization for {part}"));
    assert!(block.contains("namePrefix: shop-"), "{block}");
    block.replace("shop", application)
}

/// What a cluster gets of the folder; under an overlay, where there is one.
fn made(part: &str, application: Option<&str>) -> Option<Vec<Document>> {
    let there = tempfile::tempdir().unwrap();
    for file in named(".yaml") {
        let copy = there.path().join("deploy").join(&file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(folder().join(&file), copy).unwrap();
    }
    let mut at = format!("deploy/{part}");
    if let Some(application) = application {
        fs::write(there.path().join("kustomization.yaml"), overlay(part, application)).unwrap();
        ".".clone_into(&mut at);
        assert_good(&admit(&["-k", &at], there.path())?);
    }
    let (good, said) = admit(&["-p", &at], there.path())?;
    assert!(good, "{said}");
    // Before it, kustomize may have said something about the order.
    let yaml = &said[said.find("apiVersion:").unwrap()..];
    Some(parse(part, yaml))
}

fn one<'a>(all: &'a [Document], kind: &str, name: &str) -> &'a Document {
    let mut found = all.iter().filter(|document| document.kind() == kind && document.name().ends_with(name));
    let first = found.next().unwrap_or_else(|| panic!("there is no {kind} {name}"));
    assert!(found.next().is_none(), "there are two of {kind} {name}");
    first
}

/// With reply=sink and no K_SINK heeler does not start, and the first revision of the Service would have failed.
#[test]
fn a_sink_is_bound_before_its_service_is_there() {
    for application in [None, Some("shop")] {
        let Some(all) = made("knative", application) else { return };
        let place = |kind: &str| {
            let wanted = one(&all, kind, "my-event-function");
            all.iter().position(|document| std::ptr::eq(document, wanted)).unwrap()
        };
        assert!(place("SinkBinding") < place("Service"), "{application:?}");
        assert!(place("Service") < place("Trigger"), "{application:?}");
    }
}

#[test]
fn another_name_of_a_knative_service_is_used_everywhere() {
    let Some(all) = made("knative", Some("shop")) else { return };
    let name = one(&all, "Service", "my-event-function").name();
    assert_eq!(name, "shop-my-event-function");
    let trigger = &one(&all, "Trigger", "my-event-function").value["spec"];
    assert_eq!(trigger["subscriber"]["ref"]["name"], name);
    assert_eq!(one(&all, "SinkBinding", "my-event-function").value["spec"]["subject"]["name"], name);
    // What is not in the folder keeps its name.
    assert_eq!(trigger["delivery"]["deadLetterSink"]["ref"]["name"], "dead-letters");
    assert_eq!(trigger["broker"], "default");
}

/// Two overlays in one namespace: what one of them selects are its own pods alone.
#[test]
fn overlays_do_not_select_each_others_pods() {
    let [Some(shop), Some(blog)] = ["shop", "blog"].map(|application| made("kubernetes", Some(application))) else {
        return;
    };
    let labels = |all: &[Document]| {
        let deployment = one(all, "Deployment", "my-function");
        deployment.value["spec"]["template"]["metadata"]["labels"].clone()
    };
    let (ours, theirs) = (labels(&shop), labels(&blog));
    for (kind, place) in [
        ("Deployment", "/spec/selector/matchLabels"),
        ("Deployment", "/spec/template/spec/topologySpreadConstraints/0/labelSelector/matchLabels"),
        ("Service", "/spec/selector"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("PodMonitor", "/spec/selector/matchLabels"),
    ] {
        let selector = one(&shop, kind, "my-function").value.pointer(place).unwrap();
        let matches = |pod: &Value| selector.as_object().unwrap().iter().all(|(key, value)| &pod[key] == value);
        assert!(matches(&ours), "{kind} {place} misses its own pods: {selector}");
        assert!(!matches(&theirs), "{kind} {place} takes another's pods: {selector}");
    }
    let scaled = &one(&shop, "HorizontalPodAutoscaler", "my-function").value["spec"]["scaleTargetRef"]["name"];
    assert_eq!(scaled, one(&shop, "Deployment", "my-function").name());
}
