//! Answers of the service: any bytes are read, and a 200 names requested tags or is refused.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use swr_image_sync::names::Tag;
use swr_image_sync::swr::pace::parse_retry_after;
use swr_image_sync::swr::wire::{self, lists};

fuzz_target!(|body: &[u8]| {
    let requested: Vec<Tag> = ["v1", "v2", "latest", "1.0.0"]
        .iter()
        .map(|tag| tag.parse().expect("a tag"))
        .collect();
    if let Ok(named) = wire::named_tags(body, &requested) {
        assert!(
            named.is_sorted_by(|one, next| one < next),
            "each once, in order: {named:?}"
        );
        let text = String::from_utf8_lossy(body);
        for place in named {
            let tag = requested[place].as_str();
            assert!(
                text.contains(tag) || text.contains('\\'),
                "{tag} was named by nobody"
            );
        }
    }
    lists_of(body);
    let error = wire::error_body(body);
    for text in [&error.code, &error.message, &error.request_id]
        .into_iter()
        .flatten()
    {
        assert!(!text.is_empty(), "an empty text says nothing");
        assert!(
            text.chars().count() <= 40_000,
            "{} characters",
            text.chars().count()
        );
    }
});

/// The reads take any body too, and what they take has names.
fn lists_of(body: &[u8]) {
    let names = lists::tags(body).map(|rows| rows.into_iter().map(|row| row.name).collect());
    let regions = lists::sync_regions(body);
    let repositories = lists::repositories(body);
    let repositories = repositories.map(|rows| rows.into_iter().map(|row| row.name).collect());
    for read in [names, regions, repositories] {
        // A refusal says what is wrong.
        let names: Vec<String> = read.unwrap_or_else(|error| vec![error.to_string()]);
        assert!(names.iter().all(|name| !name.is_empty()), "{names:?}");
    }
    let _ = (
        lists::tag(body),
        lists::organization(body),
        lists::sync_jobs(body),
    );
    let text = String::from_utf8_lossy(body);
    let _ = (
        lists::total(&text),
        parse_retry_after(&text, Timestamp::UNIX_EPOCH),
    );
}
