//! The `images` input: lists, JSON, and what docker's actions print. What is understood reads the same when it is written
//! as a full reference again.

#![no_main]

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use swr_image_sync::config::{Config, Reference, Registry};
use swr_image_sync::inputs::{self, Environment};
use swr_image_sync::select;

fuzz_target!(|text: &str| {
    let environment: Environment = [
        ("INPUT_IMAGES", text),
        ("INPUT_TAGS", "v1"),
        ("INPUT_REGION", "cn-north-4"),
        ("INPUT_TARGETS", "cn-east-3"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let no_file = |_: &Path| Err(io::ErrorKind::NotFound.into());
    let inputs = inputs::read(&environment, &no_file);
    let Ok(config) = Config::parse(&inputs, &environment) else {
        return;
    };
    let Some(images) = select::exact(&config.selections, &config.exclude) else {
        return;
    };
    for images in images {
        let mut tags: Vec<_> = images.tags.iter().collect();
        assert!(!tags.is_empty());
        for tag in images.tags.iter() {
            let reference = config.registry.reference(
                &config.region,
                &images.namespace,
                &images.repository,
                tag,
            );
            assert!(text.contains(images.repository.as_str()) || text.contains('\\'));
            match Reference::parse(&reference, &Registry::HUAWEI_CLOUD) {
                Ok(Reference::Swr(swr)) => {
                    assert_eq!(swr.region.as_ref(), Some(&config.region));
                    assert_eq!(swr.namespace, images.namespace);
                    assert_eq!(swr.repository.to_string(), images.repository.to_string());
                    assert_eq!(swr.tag.map(|tag| tag.to_string()), Some(tag.to_string()));
                }
                other => panic!("{reference} became {other:?}"),
            }
        }
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), images.tags.len(), "each tag stands once");
    }
});
