//! The sanitiser: whatever comes in, what comes out is one visible line in which no CI system finds a command.

#![no_main]

use libfuzzer_sys::fuzz_target;
use swr_image_sync::report::sanitise::Sanitiser;

fuzz_target!(|text: &str| {
    let sanitiser = Sanitiser::default();
    let clean = sanitiser.clean(text);
    let line = clean.as_str();
    assert!(!line.chars().any(char::is_control), "{line:?}");
    assert_eq!(sanitiser.clean(line), clean, "clean text stays as it is");
    // The systems' own rules: GitHub and Azure look for `##[` and `##vso[` anywhere in a line, GitHub and Gitea for `::` at
    // its start, Buildkite for a heading there, TeamCity for `##teamcity[` anywhere.
    assert!(!line.contains("##"), "{line:?}");
    assert!(!line.trim_start().starts_with("::"), "{line:?}");
    for heading in ["---", "+++", "~~~", "^^^"] {
        assert!(!line.trim_start().starts_with(heading), "{line:?}");
    }
    let cut = clean.cut(line.chars().count() / 2);
    assert!(cut.as_str().chars().count() <= line.chars().count() / 2 + 40);
});
