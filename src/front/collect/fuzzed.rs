//! What has to hold for any list of failed events.
#![allow(clippy::unwrap_used, reason = "a panic is how a check fails")]

use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, StatusCode};
use serde_json::Value;

use super::answers::listed;
use crate::input;

/// Any bytes as a handler's list of failed events, beside another reader of JSON.
pub fn collected(bytes: &[u8]) {
    let ([count], bytes) = input::choices(bytes);
    let count = usize::from(count);
    let headers: HeaderMap = [(RETRY_AFTER, HeaderValue::from_static("9"))].into_iter().collect();
    let told = listed(bytes, &headers, count);
    let rows = serde_json::from_slice::<Value>(bytes).ok();
    let Some(told) = told else { return };
    let Ok(told) = told else { return };
    assert_eq!(told.len(), count);
    for one in &told {
        let waits = matches!(one.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(one.retry_after.is_some(), waits);
        assert!(one.status == StatusCode::ACCEPTED || (300..600).contains(&one.status.as_u16()));
    }
    // Another reader keeps the last of two members and the first of ours: those lists are not compared.
    let Some(Value::Array(rows)) = rows else { return };
    let text = std::str::from_utf8(bytes).unwrap();
    if text.matches("\"index\"").count() == rows.len() && text.matches("\"status\"").count() == rows.len() {
        worse_is_kept(&rows, &told.iter().map(|told| told.status.as_u16()).collect::<Vec<_>>());
    }
}

fn worse_is_kept(rows: &[Value], told: &[u16]) {
    for row in rows {
        let number = |name: &str| row[name].as_i64();
        // A name with an escape in it is another text to a reader of letters.
        let (Some(index), Some(status)) = (number("index"), number("status")) else { return };
        let one = told[usize::try_from(index).unwrap()];
        assert!(status < 300 || i64::from(one) >= status, "{row}: {one}");
    }
}
