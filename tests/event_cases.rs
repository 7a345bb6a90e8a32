//! CloudEvents by the rules, case by case, in both directions: the tables are in `tests/events/cases/`.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use heeler::event::{BadEvent, Data, Event, Nature, Was, batch, binary, structured};
use hyper::HeaderMap;
use serde_json::Value;

#[path = "events/cases.rs"]
mod cases;
#[allow(dead_code, reason = "others use the rest")]
#[path = "events/checks.rs"]
mod checks;

#[test]
fn headers_are_read_by_the_rules() {
    for case in cases::read("binary") {
        let (headers, body) = cases::request(&case);
        let found = binary::decode(&headers, body);
        assert_eq!(found.as_ref().map(|event| &event.attributes), binary::attributes(&headers).as_ref());
        check(&case, found.as_ref());
    }
}

#[test]
fn json_events_are_read_by_the_rules() {
    for case in cases::read("structured") {
        check(&case, structured::decode(&cases::body(&case)).as_ref());
    }
}

#[test]
fn batches_are_split_by_the_rules() {
    for case in cases::read("batch") {
        let most = case["most"].as_u64().map_or(100, |most| usize::try_from(most).unwrap());
        let body = Bytes::copy_from_slice(case["body"].as_str().unwrap().as_bytes());
        let name = cases::name(&case);
        match (batch::split(&body, most), case["elements"].as_array()) {
            (Err(bad), None) => refused(&case, &bad),
            (Ok(found), Some(expected)) => {
                assert_eq!(found.len(), expected.len(), "{name}");
                for (found, expected) in found.iter().zip(expected) {
                    element(name, found, expected);
                }
            }
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}

fn element(name: &str, found: &Result<batch::Element, BadEvent>, expected: &Value) {
    match found {
        Ok(found) => {
            assert_eq!(Some(found.event.attributes.id()), expected["id"].as_str(), "{name}");
            if let Some(json) = expected["json"].as_str() {
                assert_eq!(found.json, json, "{name}");
            }
            checks::survives(&found.event);
        }
        Err(bad) => refused(expected, bad),
    }
}

fn check(case: &Value, found: Result<&Event, &BadEvent>) {
    match (found, case.get("error")) {
        (Ok(event), None) => {
            taken(case, event);
            checks::survives(event);
        }
        (Err(bad), Some(_)) => refused(case, bad),
        (found, _) => panic!("{}: {found:?}", cases::name(case)),
    }
}

fn taken(case: &Value, event: &Event) {
    let name = cases::name(case);
    let mut found: Vec<_> =
        event.attributes.iter().map(|found| (found.name().to_owned(), found.value().to_owned())).collect();
    found.sort();
    assert_eq!(found, cases::attributes(case), "{name}");
    for attribute in &event.attributes {
        let was = match attribute.was() {
            Was::Text => "text",
            Was::Integer => "integer",
            Was::Boolean => "boolean",
        };
        assert_eq!(was, case["was"][attribute.name()].as_str().unwrap_or("text"), "{name}");
    }
    assert_eq!(event.data.as_ref().map(|data| data.bytes().clone()), expected_data(case), "{name}");
    let nature = event.data.as_ref().map(|data| match data.nature() {
        Nature::Binary => "binary",
        Nature::Text => "text",
        Nature::Json => "json",
    });
    assert_eq!(nature, case["nature"].as_str().or(nature.filter(|nature| *nature == "binary")), "{name}");
}

fn expected_data(case: &Value) -> Option<Bytes> {
    let base64 = case["base64"].as_str().map(|text| STANDARD.decode(text).unwrap().into());
    base64.or(case["data"].as_str().map(|text| Bytes::copy_from_slice(text.as_bytes())))
}

/// The rule is named, the status is right, and nothing of a value is repeated.
fn refused(case: &Value, bad: &BadEvent) {
    let status = case["status"].as_u64().unwrap_or(400);
    assert_eq!(
        (bad.what.as_ref(), u64::from(bad.status().as_u16())),
        (case["error"].as_str().unwrap(), status),
        "{case}"
    );
    let text = bad.to_string();
    assert!(text.starts_with(&*bad.what) && text.len() < 120, "{text}");
}

#[test]
fn events_are_written_by_the_rules() {
    for case in cases::read("out") {
        let name = cases::name(&case);
        let event = written(&case);

        let mut headers = HeaderMap::new();
        // What was there of another event goes away, what is none of an event's stays.
        for (other, value) in [("ce-old", "x"), ("ce-id", "old"), ("content-type", "old/type"), ("x-other", "stays")] {
            headers.insert(other, value.parse().unwrap());
        }
        let body = binary::encode(&event, &mut headers);
        assert_eq!(body, case["body"].as_str().unwrap_or_default(), "{name}");
        let mut found: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap().to_owned())).collect();
        found.sort();
        let base = cases::BASE.map(|(name, value)| (format!("ce-{name}"), value.to_owned()));
        let mut expected: std::collections::BTreeMap<String, String> = base.into();
        expected.insert("x-other".to_owned(), "stays".to_owned());
        for (name, value) in case["headers"].as_object().unwrap() {
            expected.insert(name.clone(), value.as_str().unwrap().to_owned());
        }
        assert_eq!(
            found,
            expected.iter().map(|(name, value)| (name.as_str(), value.clone())).collect::<Vec<_>>(),
            "{name}"
        );

        if let Some(json) = case["json"].as_str() {
            let whole = format!("{{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"{json}}}");
            assert_eq!(structured::encode(&event), whole, "{name}");
            assert_eq!(batch::join([&event, &event]), format!("[{whole},{whole}]"), "{name}");
        }
        checks::survives(&event);
    }
}

fn written(case: &Value) -> Event {
    let mut attributes = heeler::event::Attributes::new("1", "/s", "t").unwrap();
    for (name, value) in case["set"].as_object().into_iter().flatten() {
        attributes.set(name, value.as_str().unwrap()).unwrap();
    }
    let text = |kind: &str| case[kind].as_str().map(str::to_owned);
    let binary = text("binary").map(|bytes| Data::binary(bytes.into()));
    let value = text("value").map(|value| Data::json(&value.into()).unwrap());
    Event { attributes, data: binary.or(value).or(text("text").map(Data::text)) }
}

#[test]
fn numbers_and_booleans_stay_what_they_were() {
    let text = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","n":-7,"b":true,"s":"-7"}"#;
    let event = structured::decode(&Bytes::from_static(text.as_bytes())).unwrap();
    assert_eq!(structured::encode(&event), text);
}

#[test]
fn attributes_are_set_by_the_rules_too() {
    let mut attributes = heeler::event::Attributes::new("1", "/s", "t").unwrap();
    for (name, value) in [
        ("id", ""),
        ("specversion", "0.3"),
        ("time", "now"),
        ("Ext", "x"),
        ("data", "x"),
        ("ext", "\n"),
        ("source", "a b"),
    ] {
        let before = attributes.clone();
        assert_eq!(attributes.set(name, value).unwrap_err().what, name);
        assert_eq!(attributes, before);
    }
    attributes.set("ext", "a").unwrap();
    attributes.set("ext", "b").unwrap();
    attributes.set("id", "2").unwrap();
    attributes.remove("id");
    assert_eq!((attributes.id(), attributes.get("ext"), attributes.iter().len()), ("2", Some("b"), 5));
    attributes.remove("ext");
    assert_eq!((attributes.get("ext"), attributes.iter().len()), (None, 4));
    for (id, source, kind, what) in [("", "/s", "t", "id"), ("1", "", "t", "source"), ("1", "/s", "", "type")] {
        assert_eq!(heeler::event::Attributes::new(id, source, kind).unwrap_err().what, what);
    }
}

#[test]
fn there_are_no_attributes_without_end() {
    let more = |count: usize| {
        let extensions: Vec<String> = (0..count).map(|n| format!(",\"e{n}\":\"x\"")).collect();
        let whole = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t"{}}}"#, extensions.concat());
        structured::decode(&whole.into())
    };
    assert_eq!(more(252).unwrap().attributes.iter().len(), 256);
    assert_eq!(more(253).unwrap_err().status().as_u16(), 431);
    let mut attributes = more(252).unwrap().attributes;
    assert_eq!(attributes.set("one", "more").unwrap_err().status().as_u16(), 431);
    attributes.set("e1", "y").unwrap();
}

#[test]
fn an_attribute_that_is_too_large_is_named() {
    let mut attributes = heeler::event::Attributes::new("1", "/s", "t").unwrap();
    attributes.set("ext", &"x".repeat(97)).unwrap();
    assert_eq!(attributes.within(100), Ok(()));
    let bad = attributes.within(99).unwrap_err();
    assert_eq!((bad.status().as_u16(), bad.to_string().as_str()), (431, "ext: larger than can be handed on"));
}

#[test]
fn bodies_are_named_for_what_they_are() {
    for (say, name) in [
        (structured::headers as fn(&mut HeaderMap), "application/cloudevents+json; charset=utf-8"),
        (batch::headers, "application/cloudevents-batch+json; charset=utf-8"),
    ] {
        let (mut headers, _) = cases::request(&Value::Null);
        headers.insert("x-other", "stays".parse().unwrap());
        say(&mut headers);
        let left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left.contains(&("content-type", name)) && left.contains(&("x-other", "stays")));
    }
}
