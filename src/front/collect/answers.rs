//! From the one answer of a call to the status of each delivery that it brought.

use hyper::{HeaderMap, StatusCode};

use super::gathering::Told;
use crate::event::{self, Form, values};
use crate::front::config::{Replies, ReplyRule};
use crate::front::reply;
use crate::invoke::{CallError, Reply};
use crate::reason::Reason;

/// What became of one event, as a handler tells it.
struct Row {
    index: i64,
    status: i64,
}

/// What each of `count` deliveries is told; what fails all of them is an error. `call_id`: of the call.
pub(super) async fn each(
    replies: &Replies,
    mut reply: Reply,
    count: usize,
    call_id: &str,
) -> Result<Vec<Told>, CallError> {
    let is_success = reply.status.is_success();
    // Answers that are events go nowhere from here: nobody can say which of the deliveries they belong to.
    let may_be_list =
        is_success && replies.rule != ReplyRule::Raw && event::recognise(&reply.headers) == Ok(Form::None);
    let most = if may_be_list { replies.most_bytes } else { 0 };
    let (length, array) = reply::printed(&mut reply, b'[', most).await?;
    if !is_success || replies.rule == ReplyRule::Raw {
        return Ok(vec![Told::of(reply.status, &reply.headers); count]);
    }
    match array.and_then(|text| listed(&text, &reply.headers, count)) {
        Some(told) => told,
        None => {
            tell_of_dropped(length, call_id);
            Ok(vec![Told::of(StatusCode::ACCEPTED, &reply.headers); count])
        }
    }
}

/// What each is told by a list of index and status, with the headers beside it; `None` where the text is none.
pub(super) fn listed(text: &[u8], headers: &HeaderMap, count: usize) -> Option<Result<Vec<Told>, CallError>> {
    let rows = rows(std::str::from_utf8(text).ok()?)?;
    let told = |statuses: Vec<StatusCode>| statuses.into_iter().map(|status| Told::of(status, headers)).collect();
    Some(by_rows(&rows, count).map(told))
}

/// `None` where any element is another one.
fn rows(text: &str) -> Option<Vec<Row>> {
    values::elements(text).ok()?.into_iter().map(row).collect()
}

fn row(text: &str) -> Option<Row> {
    let members = values::members(text).ok()?;
    let number = |wanted: &str| members.iter().find(|(name, _)| name == wanted)?.1.parse().ok();
    Some(Row { index: number("index")?, status: number("status")? })
}

/// Who is not named did well. Of an event that is named twice the worse is kept, so that no failure is lost.
fn by_rows(rows: &[Row], count: usize) -> Result<Vec<StatusCode>, CallError> {
    let mut statuses = vec![StatusCode::ACCEPTED; count];
    for row in rows {
        let slot = usize::try_from(row.index).ok().and_then(|index| statuses.get_mut(index));
        let slot = slot.ok_or_else(|| broken(format!("index {} of {count} events", row.index)))?;
        let status = u16::try_from(row.status).ok().filter(|status| (200..600).contains(status));
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or_else(|| broken(format!("status {}, and not one of 200 to 599", row.status)))?;
        if !status.is_success() {
            *slot = status.max(*slot);
        }
    }
    Ok(statuses)
}

fn broken(what: String) -> CallError {
    CallError::new(Reason::Reply, format!("the handler's list of failed events has {what}"))
}

fn tell_of_dropped(bytes: u64, call_id: &str) {
    if bytes > 0 {
        let hint = "a list of index and status is read, and nothing else";
        tracing::warn!(call_id, bytes, "the answer to gathered events is dropped ({hint})");
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{CONTENT_TYPE, HeaderValue};

    use bytes::Bytes;

    use super::*;
    use crate::invoke::ReplyBody;

    async fn statuses(
        rule: ReplyRule,
        status: u16,
        kind: &'static str,
        pieces: &[&'static str],
    ) -> Result<Vec<u16>, String> {
        let replies = Replies { rule, wrap: None, most_bytes: 200 };
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let body = pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
        let reply = Reply::new(StatusCode::from_u16(status).unwrap(), headers, ReplyBody::Whole(body));
        let each = each(&replies, reply, 3, "id").await.map_err(|error| error.to_string())?;
        Ok(each.iter().map(|told| told.status.as_u16()).collect())
    }

    #[tokio::test]
    async fn a_list_names_those_that_failed() {
        for (text, expected) in [
            (&[r#"[{"index":1,"status":500}]"#][..], [202, 500, 202]),
            (&[" \n[ {\"status\":", "204,\"index\":0,\"why\":[{}]}, {\"index\":2,\"status\":404} ]"], [202, 202, 404]),
            (&[r#"[{"index":0,"status":500},{"index":0,"status":200},{"index":0,"status":422}]"#], [500, 202, 202]),
            (&["[]"], [202; 3]),
            // No such list.
            (&[], [202; 3]),
            (&[r#"[{"index":1,"status":500},{"index":1}]"#], [202; 3]),
            (&[r#"[{"index":1,"status":500}]"#, "x"], [202; 3]),
            (&[r#"[{"index":1.0,"status":500}]"#], [202; 3]),
            (&[r#"[{"index":"1","status":500}]"#], [202; 3]),
            (&[r#"{"index":1,"status":500}"#], [202; 3]),
            (&["[1]"], [202; 3]),
            (&["text", r#"[{"index":1,"status":500}]"#], [202; 3]),
        ] {
            assert_eq!(
                statuses(ReplyRule::Auto, 200, "application/json", text).await,
                Ok(expected.to_vec()),
                "{text:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_list_that_names_what_there_is_not_fails_all() {
        for (row, says) in [
            (r#"[{"index":3,"status":500}]"#, "index 3 of 3"),
            (r#"[{"index":-1,"status":500}]"#, "index -1 of 3"),
            (r#"[{"index":0,"status":500},{"index":1,"status":99}]"#, "status 99"),
            (r#"[{"index":0,"status":100}]"#, "status 100"),
            (r#"[{"index":0,"status":600}]"#, "status 600"),
        ] {
            let told = statuses(ReplyRule::Auto, 200, "application/json", &[row]).await.unwrap_err();
            assert!(told.starts_with("reply: ") && told.contains(says), "{told}");
        }
    }

    #[tokio::test]
    async fn what_is_no_list_decides_nothing() {
        let row = &[r#"[{"index":1,"status":500}]"#][..];
        assert_eq!(statuses(ReplyRule::Raw, 201, "application/json", row).await, Ok(vec![201; 3]));
        assert_eq!(statuses(ReplyRule::Event, 422, "application/json", row).await, Ok(vec![422; 3]));
        assert_eq!(statuses(ReplyRule::Auto, 200, "application/cloudevents-batch+json", row).await, Ok(vec![202; 3]));
        let long = Box::leak(format!("[{}]", " ".repeat(300)).into_boxed_str());
        assert_eq!(statuses(ReplyRule::Auto, 200, "application/json", &[long]).await, Ok(vec![202; 3]));
    }
}
