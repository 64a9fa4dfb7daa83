//! What is to be asked of SWR: one call per repository × target × batch of tags, in the order of the inputs.

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use crate::config::{Override, TargetChoice};
use crate::names::{Namespace, Region, Repository, Tag, Target};
use crate::swr::operations;

/// The tags of one repository of the source region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Images {
    /// The organization.
    pub namespace: Namespace,
    /// The repository.
    pub repository: Repository,
    /// Its tags, without duplicates, in input order.
    pub tags: Arc<[Tag]>,
}

/// One repository and one target: the unit of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What is copied.
    pub images: Images,
    /// Where to.
    pub target: Target,
}

/// One request: a batch of the tags of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The index of the pair in [`Plan::pairs`].
    pub pair: usize,
    /// Which of the pair's tags.
    pub tags: Range<usize>,
}

/// Everything that will be asked, in order. Its `Display` is what a dry run shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The address of the API in the source region, without a slash at its end.
    pub address: String,
    /// Whether a different image of the same tag is replaced.
    pub override_existing: Override,
    /// Repository × target, repositories first.
    pub pairs: Vec<Pair>,
    /// The requests, in the order of the pairs.
    pub calls: Vec<Call>,
}

/// Something about a plan that the user should know, but that does not stop the run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// A target that is the source itself; it was left out.
    SourceLeftOut(Target),
    /// A target in the source region, in another organization; it is tried.
    SameRegion(Target),
}

impl Plan {
    /// Crosses images with targets and cuts the tags into batches.
    pub fn new(
        region: &Region,
        address: String,
        images: &[Images],
        targets: &[TargetChoice],
        override_existing: Override,
        batch_size: NonZeroUsize,
    ) -> (Self, Vec<Note>) {
        let mut notes = Vec::new();
        let mut noted = HashSet::new();
        let mut note = |note: Note| {
            if noted.insert(note.clone()) {
                notes.push(note);
            }
        };
        let mut pairs = Vec::new();
        for images in images {
            let mut seen = HashSet::with_capacity(targets.len());
            for choice in targets {
                let target = choice.of(&images.namespace);
                if !seen.insert(target.clone()) {
                    continue;
                }
                if target.region == *region {
                    if target.namespace == images.namespace {
                        note(Note::SourceLeftOut(target));
                        continue;
                    }
                    note(Note::SameRegion(target.clone()));
                }
                pairs.push(Pair {
                    images: images.clone(),
                    target,
                });
            }
        }
        let calls = pairs
            .iter()
            .enumerate()
            .flat_map(|(pair, Pair { images, .. })| {
                let count = images.tags.len();
                (0..count).step_by(batch_size.get()).map(move |start| Call {
                    pair,
                    tags: start..count.min(start + batch_size.get()),
                })
            })
            .collect();
        (
            Self {
                address,
                override_existing,
                pairs,
                calls,
            },
            notes,
        )
    }

    /// The pair of a call and the tags it asks for.
    pub fn resolve(&self, call: &Call) -> (&Pair, &[Tag]) {
        let pair = &self.pairs[call.pair];
        (pair, &pair.images.tags[call.tags.clone()])
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for call in &self.calls {
            let (pair, tags) = self.resolve(call);
            let request =
                operations::sync_images(&pair.images, &pair.target, tags, self.override_existing);
            writeln!(f, "POST {}{}", self.address, request.path())?;
            writeln!(f, "     {}", String::from_utf8_lossy(&request.body))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(repository: &str, tags: &[&str]) -> Images {
        Images {
            namespace: "group".parse().unwrap(),
            repository: repository.parse().unwrap(),
            tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(),
        }
    }

    fn choice(region: &str, namespace: Option<&str>) -> TargetChoice {
        TargetChoice {
            region: region.parse().unwrap(),
            namespace: namespace.map(|name| name.parse().unwrap()),
        }
    }

    fn plan(images: &[Images], targets: &[TargetChoice], batch_size: usize) -> (Plan, Vec<Note>) {
        let region = "cn-north-4".parse().unwrap();
        let batch_size = NonZeroUsize::new(batch_size).unwrap();
        Plan::new(
            &region,
            "https://swr-api.example".to_owned(),
            images,
            targets,
            Override::Keep,
            batch_size,
        )
    }

    #[test]
    fn repositories_come_first_then_targets_then_batches() {
        let (plan, notes) = plan(
            &[images("app", &["1", "2", "3"]), images("team/web", &["1"])],
            &[
                choice("cn-south-1", None),
                choice("ap-southeast-3", Some("mirror")),
            ],
            2,
        );
        assert_eq!(notes, []);
        insta::assert_snapshot!(plan, @r#"
        POST https://swr-api.example/v2/manage/namespaces/group/repos/app/sync_images
             {"imageTag":["1","2"],"override":false,"remoteNamespace":"group","remoteRegionId":"cn-south-1"}
        POST https://swr-api.example/v2/manage/namespaces/group/repos/app/sync_images
             {"imageTag":["3"],"override":false,"remoteNamespace":"group","remoteRegionId":"cn-south-1"}
        POST https://swr-api.example/v2/manage/namespaces/group/repos/app/sync_images
             {"imageTag":["1","2"],"override":false,"remoteNamespace":"mirror","remoteRegionId":"ap-southeast-3"}
        POST https://swr-api.example/v2/manage/namespaces/group/repos/app/sync_images
             {"imageTag":["3"],"override":false,"remoteNamespace":"mirror","remoteRegionId":"ap-southeast-3"}
        POST https://swr-api.example/v2/manage/namespaces/group/repos/team$web/sync_images
             {"imageTag":["1"],"override":false,"remoteNamespace":"group","remoteRegionId":"cn-south-1"}
        POST https://swr-api.example/v2/manage/namespaces/group/repos/team$web/sync_images
             {"imageTag":["1"],"override":false,"remoteNamespace":"mirror","remoteRegionId":"ap-southeast-3"}
        "#);
    }

    #[test]
    fn the_source_itself_is_left_out_and_its_region_is_noted() {
        let (plan, notes) = plan(
            &[images("app", &["1"])],
            &[
                choice("cn-north-4", None),
                choice("cn-north-4", Some("other")),
                choice("cn-north-4", Some("group")),
            ],
            100,
        );
        assert_eq!(plan.pairs.len(), 1);
        assert_eq!(plan.pairs[0].target.to_string(), "cn-north-4/other");
        let [Note::SourceLeftOut(source), Note::SameRegion(other)] = &notes[..] else {
            panic!("{notes:?}")
        };
        assert_eq!(
            (source.to_string().as_str(), other.to_string().as_str()),
            ("cn-north-4/group", "cn-north-4/other")
        );
    }
}
