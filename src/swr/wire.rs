//! Answers as they come over the wire, read tolerantly: the service's documentation contradicts itself, and gateways
//! and proxies answer in forms of their own.

pub mod lists;

use std::collections::HashMap;

use serde_json::Value;

use crate::names::Tag;

/// What could be read from an answer that is not 200.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// The code, such as `SVCSTG.SWR.4040058` or `APIGW.0301`.
    pub code: Option<String>,
    /// The message; for a body of no known shape its first characters.
    pub message: Option<String>,
    /// The request id, where the body has one.
    pub request_id: Option<String>,
    /// Whether it has the shape of a container registry, which is not the API.
    pub is_registry: bool,
}

/// The most of a body of no known shape that is shown, in characters.
const RAW_LIMIT: usize = 300;

/// Reads an error body: the object of SWR (`error_code` beside `errors[]`), the old array of objects, a single object, the
/// gateway's object, the generic `code`/`message`, an array of failed tags, or raw text.
pub fn error_body(body: &[u8]) -> ErrorBody {
    match serde_json::from_slice::<Value>(body) {
        Ok(value @ Value::Object(_)) => error_object(&value).unwrap_or_else(|| raw(body)),
        Ok(Value::Array(items)) if items.iter().all(Value::is_string) && !items.is_empty() => {
            let names: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            ErrorBody {
                message: Some(cut(&format!("failed tags: {}", names.join(", ")))),
                ..ErrorBody::default()
            }
        }
        Ok(Value::Array(items)) => items
            .iter()
            .find_map(error_object)
            .unwrap_or_else(|| raw(body)),
        _ => raw(body),
    }
}

fn error_object(value: &Value) -> Option<ErrorBody> {
    let text = |value: &Value, keys: &[&str]| {
        let found = keys
            .iter()
            .find_map(|key| value.get(key).filter(|value| !value.is_null()))?;
        let text = found
            .as_str()
            .map_or_else(|| found.to_string(), str::to_owned);
        (!text.is_empty()).then(|| cut(&text))
    };
    let first = value.get("errors").and_then(|errors| errors.get(0));
    let is_registry = first.is_some_and(|error| error.get("code").is_some());
    let pairs = [
        (&["error_code"][..], &["error_msg"][..]),
        (&["errorCode"], &["errorMessage", "errorMsg"]),
        (&["code"], &["message"]),
    ];
    let places = [Some(value), first];
    let (code, message) = places.into_iter().flatten().find_map(|place| {
        pairs.iter().find_map(|(codes, messages)| {
            let (code, message) = (text(place, codes), text(place, messages));
            (code.is_some() || message.is_some()).then_some((code, message))
        })
    })?;
    // The old shape puts the particulars apart; the encoded authorization message is never among them.
    let detail = first
        .or(Some(value))
        .and_then(|place| text(place, &["detail"]));
    let message = match (message, detail) {
        (Some(message), Some(detail)) if !message.contains(&detail) => {
            Some(format!("{message}: {detail}"))
        }
        (message, detail) => message.or(detail),
    };
    Some(ErrorBody {
        code,
        message,
        request_id: text(value, &["request_id", "requestId"]),
        is_registry,
    })
}

/// The beginning of a body of no known shape; of a web page, its title.
fn raw(body: &[u8]) -> ErrorBody {
    let text = String::from_utf8_lossy(body);
    let lower = text.to_ascii_lowercase();
    let title = lower
        .find("<title>")
        .zip(lower.find("</title>"))
        .and_then(|(start, end)| text.get(start + 7..end));
    let text = title.map_or_else(
        || text.trim().to_owned(),
        |title| format!("a web page titled “{}”", title.trim()),
    );
    ErrorBody {
        message: (!text.is_empty()).then(|| cut(&text)),
        ..ErrorBody::default()
    }
}

/// Cuts a text between words: a secret that was cut in two would not be recognised as one any more.
fn cut(text: &str) -> String {
    // A signature error echoes the whole canonical request, which is needed for comparing it.
    let limit = if text.contains("canonicalRequest") {
        16 * 1024
    } else {
        RAW_LIMIT.max(1000)
    };
    match text.char_indices().nth(limit) {
        Some((end, _)) => {
            let end = text[..end]
                .rfind(|character: char| character.is_whitespace() || character == '|')
                .unwrap_or(0);
            format!("{}…", &text[..end])
        }
        None => text.to_owned(),
    }
}

/// Why the body of a 200 answer cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableAnswer {
    /// It is no JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// It is no array of texts.
    #[error("the body is {0}, where a list of tags is due")]
    NotAList(String),
    /// It names what nobody asked for.
    #[error("the body names `{0}`, which was not requested")]
    NotRequested(String),
}

/// The indices of the requested tags that a 200 answer names, in the order of the request. An empty body, `null` and `[]`
/// name none.
///
/// # Errors
/// A body that is anything else than a list of requested tags.
pub fn named_tags(body: &[u8], requested: &[Tag]) -> Result<Vec<usize>, UnreadableAnswer> {
    if body.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|_| UnreadableAnswer::NotJson(raw(body).message.unwrap_or_default()))?;
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) if items.iter().all(Value::is_string) => items,
        Value::Array(_) => {
            return Err(UnreadableAnswer::NotAList(
                "a list that holds more than texts".to_owned(),
            ));
        }
        other => {
            let error = error_object(&other).and_then(|error| {
                Some(format!(
                    "an error object ({})",
                    error.code.or(error.message)?
                ))
            });
            return Err(UnreadableAnswer::NotAList(
                error.unwrap_or_else(|| format!("`{}`", cut(&other.to_string()))),
            ));
        }
    };
    let places: HashMap<&str, usize> = requested
        .iter()
        .enumerate()
        .map(|(index, tag)| (tag.as_str(), index))
        .collect();
    let mut named = Vec::with_capacity(items.len());
    for item in items.iter().filter_map(Value::as_str) {
        named.push(
            *places
                .get(item)
                .ok_or_else(|| UnreadableAnswer::NotRequested(cut(item)))?,
        );
    }
    named.sort_unstable();
    named.dedup();
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Option<String>, Option<String>) {
        let ErrorBody { code, message, .. } = error_body(body.as_bytes());
        (code, message)
    }

    fn pair(code: &str, message: &str) -> (Option<String>, Option<String>) {
        (Some(code.to_owned()), Some(message.to_owned()))
    }

    #[test]
    fn every_documented_error_shape_is_read() {
        let swr = r#"{"errors":[{"errorCode":"SVCSTG.SWR.4040058","errorMessage":"Namespace does not exists","detail":""}],"error_code":"SVCSTG.SWR.4040058","error_msg":"Namespace does not exists","encoded_authorization_message":"AAAA"}"#;
        assert_eq!(
            read(swr),
            pair("SVCSTG.SWR.4040058", "Namespace does not exists")
        );
        let old = r#"[{"errorCode":"SVCSTG.SWR.4000014","errorMessage":"Invalid parameter","detail":"imageTag"}]"#;
        assert_eq!(
            read(old),
            pair("SVCSTG.SWR.4000014", "Invalid parameter: imageTag")
        );
        let single = r#"{"errorCode":"SVCSTG.SWR.1","errorMsg":"x"}"#;
        assert_eq!(read(single), pair("SVCSTG.SWR.1", "x"));
        let only_list = r#"{"errors":[{"errorCode":"SVCSTG.SWR.2","errorMessage":"y"}]}"#;
        assert_eq!(read(only_list), pair("SVCSTG.SWR.2", "y"));
        assert_eq!(
            read(r#"{"error_msg":"z","error_code":"AS.0001"}"#),
            pair("AS.0001", "z")
        );
        assert_eq!(read(r#"{"code":"C","message":"m"}"#), pair("C", "m"));
        assert_eq!(
            read(r#"["v1","v2"]"#),
            (None, Some("failed tags: v1, v2".to_owned()))
        );
        assert_eq!(read("  "), (None, None));
        assert_eq!(
            read("<html><head><TITLE> 502 Bad Gateway </TITLE>"),
            (None, Some("a web page titled “502 Bad Gateway”".to_owned()))
        );
        assert_eq!(
            error_body(b"\xff\xfe").message.as_deref(),
            Some("\u{fffd}\u{fffd}")
        );
    }

    #[test]
    fn the_gateways_request_id_is_read_from_the_body() {
        let body = br#"{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information","request_id":"0123"}"#;
        assert_eq!(error_body(body).request_id.as_deref(), Some("0123"));
    }

    #[test]
    fn a_registrys_error_is_told_apart() {
        let body = br#"{"errors":[{"code":"DENIED","message":"denied"}]}"#;
        let error = error_body(body);
        assert!(error.is_registry);
        assert_eq!(error.code.as_deref(), Some("DENIED"));
    }

    #[test]
    fn a_long_text_is_cut_between_words() {
        let body = format!("{} half-a-secret{}", "x".repeat(990), "y".repeat(20));
        let shown = error_body(body.as_bytes()).message.unwrap();
        assert_eq!(shown, format!("{}…", "x".repeat(990)));
        assert_eq!(
            error_body("z".repeat(2000).as_bytes()).message.as_deref(),
            Some("…")
        );
    }

    #[test]
    fn an_authorization_message_is_never_read() {
        let body = br#"{"errors":[{"errorCode":"SVCSTG.SWR.4030170","errorMessage":"Insufficient permissions","encoded_authorization_message":"SEALED"}],"encoded_authorization_message":"SEALED"}"#;
        assert!(!format!("{:?}", error_body(body)).contains("SEALED"));
    }

    #[test]
    fn only_a_list_of_requested_tags_is_an_answer() {
        let requested: Vec<Tag> = ["v1", "v2", "v3"]
            .iter()
            .map(|tag| tag.parse().unwrap())
            .collect();
        let named = |body: &str| named_tags(body.as_bytes(), &requested);
        for empty in ["", " \n", "null", "[]"] {
            assert_eq!(named(empty), Ok(vec![]), "{empty:?}");
        }
        assert_eq!(named(r#"["v3","v1","v3"]"#), Ok(vec![0, 2]));
        assert_eq!(
            named(r#"["v4"]"#),
            Err(UnreadableAnswer::NotRequested("v4".to_owned()))
        );
        for wrong in [
            "{}",
            "[1]",
            r#""v1""#,
            "true",
            "<html>",
            r#"["v1""#,
            r#"{"error_code":"X"}"#,
        ] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }
}
