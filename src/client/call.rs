//! Sends the call and hands what comes back to `shown`, within the time that it may take.

use std::time::Duration;

use hyper::StatusCode;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::request::Invocation;
use super::shown::Shown;
use crate::duration;
use crate::invoke::upstream::{Single, Target};

/// Calls and shows the answer; its status, or why there is none.
pub(super) fn run(invocation: &Invocation) -> Result<StatusCode, String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    if let Some(id) = &invocation.event {
        super::say(&format!("the event's id is {id}"));
    }
    let answered = runtime.block_on(within(invocation.timeout, invocation));
    // The process ends behind this, with all threads of its own: a resolver that does not answer holds nothing up.
    std::mem::forget(runtime);
    answered
}

async fn within(limit: Option<Duration>, invocation: &Invocation) -> Result<StatusCode, String> {
    let Some(limit) = limit else { return call(invocation).await };
    match timeout(limit, call(invocation)).await {
        Ok(answered) => answered,
        Err(_) => Err(format!(
            "no (whole) answer from {} within {} (--timeout)",
            list(&invocation.place.targets),
            duration::show(limit)
        )),
    }
}

async fn call(invocation: &Invocation) -> Result<StatusCode, String> {
    let (mut single, target) = connect(invocation).await?;
    let lost = |error| format!("no answer from {target}: {error}");
    single.send(invocation.head.as_bytes(), invocation.body.clone(), invocation.expects, invocation.to_head);
    let (status, headers) = loop {
        let (status, headers) = single.head().await.map_err(lost)?;
        super::shown::head(status, &headers);
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            break (status, headers);
        }
    };
    let mut shown = Shown::new(&headers);
    let cut = |error| format!("the answer from {target} is cut: {error}");
    while let Some(frame) = single.frame().await.map_err(cut)? {
        shown.frame(frame)?;
    }
    shown.end()?;
    Ok(status)
}

/// The first one that accepts is asked.
async fn connect(invocation: &Invocation) -> Result<(Single, &Target), String> {
    let mut refused = Vec::new();
    for target in &invocation.place.targets {
        match Single::connect(target).await {
            Ok(single) => return Ok((single, target)),
            Err(error) => refused.push(format!("{target} ({error})")),
        }
    }
    let named = invocation.place.lock_file.as_ref().map(|file| format!(", which {file} names"));
    Err(format!("no answer from {}{}", refused.join(", "), named.unwrap_or_default()))
}

fn list(targets: &[Target]) -> String {
    targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
