//! Registry hosts and image references: which region, organization, repository and tag a pushed image has.

use std::fmt;

use crate::config::pattern::Choice;
use crate::names::{Namespace, Region, Repository, Tag};

/// The registry host of a region, perhaps with `{region}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry(Option<String>);

impl Registry {
    /// The registries of Huawei Cloud: `swr.<region>.myhuaweicloud.com`, `.eu` on the European site.
    pub const HUAWEI_CLOUD: Self = Self(None);

    /// A registry of another cloud.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let sample = text.replace("{region}", "region");
        let host = sample
            .split_once(':')
            .map_or(sample.as_str(), |(host, _)| host);
        let is_host =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-');
        let port = sample.split_once(':').map_or("0", |(_, port)| port);
        if host.is_empty() || !host.chars().all(is_host) || port.parse::<u16>().is_err() {
            return Err(format!(
                "`{text}` is not a registry host; write it without `https://` and without a path"
            ));
        }
        Ok(Self(Some(text.to_owned())))
    }

    /// The host in a region.
    pub fn host(&self, region: &Region) -> String {
        match &self.0 {
            Some(template) => template.replace("{region}", region.as_str()),
            None => format!("swr.{region}.{}", region.domain()),
        }
    }

    /// The full reference of an image.
    pub fn reference(
        &self,
        region: &Region,
        namespace: &Namespace,
        repository: &Repository,
        tag: &Tag,
    ) -> String {
        format!("{}/{namespace}/{repository}:{tag}", self.host(region))
    }

    /// Whether `host` is this registry, and of which region. A host without a place for the region serves any.
    fn recognise(&self, host: &str) -> Option<Option<Region>> {
        let huawei_cloud = [
            "swr.{region}.myhuaweicloud.com",
            "swr.{region}.myhuaweicloud.eu",
        ];
        let own = self.0.as_deref().map(|template| [template; 1]);
        let templates = own.as_ref().map_or(&huawei_cloud[..], |own| &own[..]);
        templates
            .iter()
            .find_map(|template| match template.split_once("{region}") {
                None => (*template == host).then_some(None),
                Some((before, after)) => {
                    let region = host.strip_prefix(before)?.strip_suffix(after)?;
                    region.parse().ok().map(Some)
                }
            })
    }
}

/// One entry of `images`.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// An image in the registry.
    Swr(SwrReference),
    /// An image elsewhere.
    Elsewhere {
        /// Its registry.
        registry: String,
    },
}

/// An image in the registry, or a pattern of such.
#[derive(Clone, Debug, PartialEq)]
pub struct SwrReference {
    /// Its region, where the host tells it.
    pub region: Option<Region>,
    /// Its organization.
    pub namespace: Namespace,
    /// Its repository.
    pub repository: Choice<Repository>,
    /// Its tag, where one is given.
    pub tag: Option<Choice<Tag>>,
}

impl Reference {
    /// Reads `<host>/<namespace>/<repository>[:<tag>][@<digest>]`.
    ///
    /// # Errors
    /// What is wrong with it, in words for its user.
    pub fn parse(text: &str, registry: &Registry) -> Result<Self, String> {
        let problem = |message: &dyn fmt::Display| format!("`{text}`: {message}");
        let (name, digest) = text
            .split_once('@')
            .map_or((text, None), |(name, digest)| (name, Some(digest)));
        let Some((host, path)) = name.split_once('/').filter(|(first, _)| is_host(first)) else {
            return Ok(Self::Elsewhere {
                registry: "docker.io".to_owned(),
            });
        };
        if host.contains(".swr-pro.") {
            return Err(problem(
                &"this host belongs to SWR Enterprise Edition, which has no sync call of this kind; \
                use a replication policy of the instance",
            ));
        }
        let Some(region) = registry.recognise(host) else {
            return Ok(Self::Elsewhere {
                registry: host.chars().take(LONGEST_HOST).collect(),
            });
        };
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (path, None),
        };
        if tag.is_none() && digest.is_some() {
            return Err(problem(
                &"it has only a digest; SWR syncs by tag, so add `:<tag>` before the `@`",
            ));
        }
        let Some((namespace, repository)) = path.split_once('/') else {
            return Err(problem(
                &"it lacks the repository; write `<registry>/<namespace>/<repository>:<tag>`",
            ));
        };
        Ok(Self::Swr(SwrReference {
            region,
            namespace: namespace.parse().map_err(|error| problem(&error))?,
            repository: Choice::parse(repository).map_err(|error| problem(&error))?,
            tag: tag
                .map(Choice::parse)
                .transpose()
                .map_err(|error| problem(&error))?,
        }))
    }
}

/// DNS has no longer names.
const LONGEST_HOST: usize = 253;

/// Whether the first part of a reference is a registry host, by the rule that container tools share.
fn is_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

/// The references in an `images` input: a list, or what docker's actions print.
///
/// - `json` of docker/metadata-action: an object with `tags`.
/// - `metadata` of docker/build-push-action: an object with `image.name`, references with commas between.
/// - `metadata` of docker/bake-action: the same for each target.
///
/// # Errors
/// What is wrong with the text as a whole.
pub(super) fn references(text: &str) -> Result<Vec<String>, String> {
    if !text.trim_start().starts_with('{') {
        return crate::inputs::list(text);
    }
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| format!("it begins like JSON but cannot be read: {error}"))?;
    let tags = value.get("tags").and_then(|tags| tags.as_array());
    let names: Vec<&str> = match tags {
        Some(tags) => tags.iter().filter_map(|tag| tag.as_str()).collect(),
        None => {
            let targets = value
                .as_object()
                .into_iter()
                .flat_map(|object| object.values());
            std::iter::once(&value)
                .chain(targets)
                .filter_map(|target| target.get("image.name")?.as_str())
                .collect()
        }
    };
    let references = crate::inputs::list(&names.join("\n"))?;
    if references.is_empty() {
        return Err("this JSON names no image: it has neither `tags` (docker/metadata-action) nor `image.name` \
            (docker/build-push-action, docker/bake-action; is `push: true` set?)"
            .to_owned());
    }
    Ok(references)
}
