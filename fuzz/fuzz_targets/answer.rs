//! Answers of the service: any bytes are read, and a 200 names requested tags or is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use swr_image_sync::names::Tag;
use swr_image_sync::swr::wire;

fuzz_target!(|body: &[u8]| {
    let requested: Vec<Tag> = ["v1", "v2", "latest", "1.0.0"]
        .iter()
        .map(|tag| tag.parse().expect("a tag"))
        .collect();
    if let Ok(named) = wire::named_tags(body, &requested) {
        assert!(named.is_sorted_by(|one, next| one < next), "each once, in order: {named:?}");
        let text = String::from_utf8_lossy(body);
        for place in named {
            let tag = requested[place].as_str();
            assert!(text.contains(tag) || text.contains('\\'), "{tag} was named by nobody");
        }
    }
    let error = wire::error_body(body);
    for text in [&error.code, &error.message, &error.request_id].into_iter().flatten() {
        assert!(!text.is_empty(), "an empty text says nothing");
        assert!(text.chars().count() <= 40_000, "{} characters", text.chars().count());
    }
});
