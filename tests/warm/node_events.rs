//! Functions of events for Node: those of the older form, and answers that are events.

use crate::function::{Function, node_modules};
use crate::python_events::{LEGACY, PUBLISHED, PUSHED, TOPIC, answers, old, published};

const FUNCTIONS: &str = r#"
    const functions = require('@google-cloud/functions-framework');
    functions.cloudEvent('today', (e) => { console.log(e.id, e.type, e.source, e.data.message.data); });
    exports.old = (data, context) => { console.log(data.data, context.eventId, context.eventType, context.resource.name); };
"#;

/// Without the framework's package and with it: the translation is the runtime's own.
#[test]
fn events_of_the_older_form() {
    let rows = [
        ("today", "cloudevent", format!("7 {PUBLISHED} //pubsub.googleapis.com/projects/p/topics/t aGk=")),
        ("old", "event", "aGk= 7 google.pubsub.topic.publish projects/p/topics/t".to_owned()),
    ];
    for (modules, (target, signature, said)) in
        [None, node_modules()].into_iter().flat_map(|modules| rows.iter().map(move |row| (modules.clone(), row)))
    {
        let Some(function) = Function::of(&[("index.js", FUNCTIONS)]) else { return };
        if let Some(modules) = modules {
            std::os::unix::fs::symlink(modules, function.path().join("node_modules")).expect("a link");
        }
        let heeler = function.start(&[("FUNCTION_TARGET", target), ("FUNCTION_SIGNATURE_TYPE", signature)]);
        for (id, request) in [("old", old("/", LEGACY)), ("pushed", old(TOPIC, PUSHED)), ("today's", published())] {
            assert_eq!(heeler.call(&request.header("X-Call-Id", id)).status, 204, "{target} {id}");
            let line = heeler.stdout.wait_for_json("the event", |line| line["call_id"] == id);
            assert_eq!(line["msg"], *said, "{target} {id}");
        }
        let broken = heeler.call(&published().header("ce-extra", "%C0%A0"));
        assert_eq!((broken.status, broken.header("x-heeler-reason")), (400, Some("event")));
    }
}

#[test]
fn answers_that_are_events() {
    let code = r#"
        exports.handle = (event) => {
          const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/me', 'ce-type': '\u00fc t' };
          if (event.id === 'headers') return { statusCode: 200, headers, body: 'hi' };
          if (event.id === 'broken') return { ...event, type: '', data: 'hi' };
          return { ...event, type: '\u00fc t', data: 'hi', datacontenttype: 'text/plain' };
        };
    "#;
    let Some(function) = Function::of(&[("function.js", code)]) else { return };
    answers(&function.start(&[]));
}
