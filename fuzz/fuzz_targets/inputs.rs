//! Whole environments: whatever the inputs hold, they are understood or refused in words, and no secret is in the words.
//!
//! An input of the fuzzer is a list of `NAME=value`, with an empty line between two of them. A file that an input names
//! has the content of the variable of that name.

#![no_main]

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use swr_image_sync::config::{Choice, Config, Presentation};
use swr_image_sync::inputs::{self, Environment, find};
use swr_image_sync::plan::Plan;
use swr_image_sync::select;

const SECRET: &str = "a-secret-of-the-fuzz-target";

fuzz_target!(|text: &str| {
    // Elsewhere than in its own input it would be no secret.
    if text.contains(SECRET) {
        return;
    }
    let mut environment: Environment = text
        .split("\n\n")
        .filter_map(|entry| entry.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    environment
        .entry("INPUT_SECRET-KEY".to_owned())
        .or_insert_with(|| SECRET.to_owned());
    let read_file = |path: &Path| {
        let file = path.to_str().and_then(|path| environment.get(path));
        file.map(|text| text.clone().into_bytes())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let inputs = inputs::read(&environment, &read_file);
    let _ = Presentation::parse(&inputs, &environment);
    let says_no_secret = |words: &str| assert!(!words.contains(SECRET), "{words}");
    inputs
        .warnings
        .iter()
        .for_each(|words| says_no_secret(words));
    match Config::parse(&inputs, &environment) {
        Ok(config) => understood(&config),
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            for problem in problems {
                assert!(
                    find(problem.input).is_some(),
                    "{} is no input",
                    problem.input
                );
                assert!(!problem.message.trim().is_empty());
                says_no_secret(&problem.to_string());
            }
        }
    }
});

/// What is not refused can be planned, and every name in the plan is one that a path can hold.
fn understood(config: &Config) {
    for (_, note) in &config.notes {
        assert!(!note.contains(SECRET), "{note}");
    }
    for selection in &config.selections {
        assert!(!selection.tags.is_empty());
        for tag in &selection.tags {
            if let Choice::Exact(tag) = tag {
                assert_eq!(tag.as_str().parse().as_ref(), Ok(tag));
            }
        }
    }
    let Some(images) = select::exact(&config.selections, &config.exclude) else {
        return;
    };
    let address = config.connection.endpoint.address(&config.region);
    let (plan, _) = Plan::new(
        &config.region,
        address,
        &images,
        &config.targets,
        config.override_existing,
        config.calls.batch_size,
    );
    let planned: usize = plan.calls.iter().map(|call| call.tags.len()).sum();
    let wanted: usize = plan.pairs.iter().map(|pair| pair.images.tags.len()).sum();
    assert_eq!(planned, wanted, "every tag is in one call");
    for call in &plan.calls {
        let (pair, tags) = plan.resolve(call);
        assert!(!tags.is_empty() && tags.len() <= config.calls.batch_size.get());
        // As they stand in the path of a request: one segment each.
        let segments = [
            pair.images.namespace.as_str().to_owned(),
            pair.images.repository.path_segment(),
            pair.target.region.as_str().to_owned(),
            pair.target.namespace.as_str().to_owned(),
        ];
        for segment in segments {
            let is_harmless =
                |character: char| character.is_ascii_alphanumeric() || "._-$".contains(character);
            assert!(segment.chars().all(is_harmless), "{segment:?}");
            assert!(!matches!(segment.as_str(), "" | "." | ".."), "{segment:?}");
        }
    }
    let _ = plan.to_string();
}
