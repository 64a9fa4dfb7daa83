//! The management API of SWR.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::authentication::authenticate;
use crate::credential::{Holder, Operation};
use crate::jobs::{Asked, Place};
use crate::record::Request;
use crate::state::State;
use crate::world::SyncRegions;

mod lists;

/// An operation with its path parameters; `$` in a repository has become `/`.
enum Call<'a> {
    SyncImages(&'a str, String),
    ListSyncJobs(&'a str, String),
    ListTags(&'a str, String),
    ShowTag(&'a str, String, &'a str),
    ListRepositories,
    ShowRepository(&'a str, String),
    ListNamespaces,
    ShowNamespace(&'a str),
    ListSyncRegions,
}

impl<'a> Call<'a> {
    /// The operation behind a decoded path. A repository with a raw slash has a segment too many, and is no operation.
    fn of(method: &str, path: &'a str) -> Option<Self> {
        let repository = |text: &str| text.replace('$', "/");
        let segments: Vec<&str> = path.split('/').collect();
        Some(match (method, segments.as_slice()) {
            (
                "POST",
                [
                    "v2",
                    "manage",
                    "namespaces",
                    namespace,
                    "repos",
                    name,
                    "sync_images",
                ],
            ) => Self::SyncImages(namespace, repository(name)),
            (
                "GET",
                [
                    "v2",
                    "manage",
                    "namespaces",
                    namespace,
                    "repos",
                    name,
                    "sync_job",
                ],
            ) => Self::ListSyncJobs(namespace, repository(name)),
            (
                "GET",
                [
                    "v2",
                    "manage",
                    "namespaces",
                    namespace,
                    "repos",
                    name,
                    "tags",
                ],
            ) => Self::ListTags(namespace, repository(name)),
            (
                "GET",
                [
                    "v2",
                    "manage",
                    "namespaces",
                    namespace,
                    "repos",
                    name,
                    "tags",
                    tag,
                ],
            ) => Self::ShowTag(namespace, repository(name), tag),
            ("GET", ["v2", "manage", "namespaces", namespace, "repos", name]) => {
                Self::ShowRepository(namespace, repository(name))
            }
            ("GET", ["v2", "manage", "namespaces", namespace]) => Self::ShowNamespace(namespace),
            ("GET", ["v2", "manage", "namespaces"]) => Self::ListNamespaces,
            ("GET", ["v2", "manage", "repos"]) => Self::ListRepositories,
            ("GET", ["v2", "manage", "regions"]) => Self::ListSyncRegions,
            _ => return None,
        })
    }

    fn operation(&self) -> Operation {
        match self {
            Self::SyncImages(..) => Operation::SyncImages,
            Self::ListSyncJobs(..) => Operation::ListSyncJobs,
            Self::ListTags(..) => Operation::ListTags,
            Self::ShowTag(..) => Operation::ShowTag,
            Self::ListRepositories => Operation::ListRepositories,
            Self::ShowRepository(..) => Operation::ShowRepository,
            Self::ListNamespaces => Operation::ListNamespaces,
            Self::ShowNamespace(..) => Operation::ShowNamespace,
            Self::ListSyncRegions => Operation::ListSyncRegions,
        }
    }
}

/// 404 of the gateway: also what a raw slash in a repository gets.
pub(crate) fn no_such_api() -> Answer {
    Answer::gateway(
        404,
        "0101",
        "The API does not exist or has not been published in the environment",
    )
}

/// Answers a request to `/swr/{region}/{path}`.
pub(crate) fn answer(state: &mut State, request: &mut Request, region: &str, path: &str) -> Answer {
    let Some(call) = state
        .world
        .regions
        .contains_key(region)
        .then(|| Call::of(&request.method, path))
        .flatten()
    else {
        return no_such_api();
    };
    let holder = match authenticate(state, request, region) {
        Ok(holder) => holder,
        Err(answer) => return answer,
    };
    let operation = call.operation();
    if !holder.may(operation, region) {
        return Answer::denied(action(operation));
    }
    perform(state, request, region, &holder, call).unwrap_or_else(|refused| refused)
}

fn perform(
    state: &mut State,
    request: &Request,
    region: &str,
    holder: &Holder,
    call: Call<'_>,
) -> Result<Answer, Answer> {
    let now = state.now();
    let place =
        |namespace: &str, repository: String| (region.to_owned(), namespace.to_owned(), repository);
    match call {
        Call::SyncImages(namespace, repository) => {
            sync_images(state, request, holder, place(namespace, repository))
        }
        Call::ListSyncJobs(namespace, repository) => {
            lists::sync_jobs(state, request, holder, &place(namespace, repository))
        }
        Call::ListTags(namespace, repository) => {
            lists::tags(state, request, holder, &place(namespace, repository))
        }
        Call::ShowTag(namespace, repository, tag) => {
            lists::tag(state, holder, &place(namespace, repository), tag)
        }
        Call::ListRepositories => {
            state.jobs.settle_all(&mut state.world, now);
            lists::repositories(state, request, holder, region)
        }
        Call::ShowRepository(namespace, repository) => {
            let place = place(namespace, repository);
            state.jobs.settle_at(&place, &mut state.world, now);
            lists::repository(state, holder, &place)
        }
        Call::ListNamespaces => lists::namespaces(state, request, holder, region),
        Call::ShowNamespace(namespace) => lists::namespace(state, holder, region, namespace),
        Call::ListSyncRegions => Ok(sync_regions(state, region)),
    }
}

/// The action an identity policy has to allow. Those of SyncImages, ListSyncJobs and ListTags are the vendor's; the others are modelled on them.
fn action(operation: Operation) -> &'static str {
    match operation {
        Operation::SyncImages => "swr:repo:createManualSyncRepoJob",
        Operation::ListSyncJobs => "swr:repo:getSyncRepoJobInfo",
        Operation::ListTags => "swr:repo:listRepoTags",
        Operation::ShowTag => "swr:repo:getRepoTag",
        Operation::ListRepositories => "swr:repo:listRepos",
        Operation::ShowRepository => "swr:repo:getRepo",
        Operation::ListNamespaces => "swr:namespace:listNamespaces",
        Operation::ShowNamespace => "swr:namespace:getNamespace",
        Operation::ListSyncRegions => "swr::listSyncRegions",
    }
}

/// The body of `sync_images`, or the answer that refuses it.
struct SyncBody {
    tags: Vec<String>,
    overriding: bool,
    remote_namespace: String,
    remote_region: String,
}

impl SyncBody {
    fn read(request: &Request) -> Result<Self, Answer> {
        let invalid = || Answer::swr(400, "4000014", "Invalid parameter");
        let missing = || Answer::swr(400, "4001036", "Mandatory parameter missing");
        let content_type = request
            .header("Content-Type")
            .unwrap_or_default()
            .replace(' ', "")
            .to_ascii_lowercase();
        if !matches!(
            content_type.as_str(),
            "application/json" | "application/json;charset=utf-8"
        ) {
            return Err(Answer::swr(400, "4001018", "Invalid body type"));
        }
        let body = request.json();
        let keys = body.as_object().ok_or_else(invalid)?;
        if keys.keys().any(|key| {
            !matches!(
                key.as_str(),
                "imageTag" | "override" | "remoteNamespace" | "remoteRegionId"
            )
        }) {
            return Err(invalid());
        }
        let text = |key: &str| match body.get(key) {
            None => Err(missing()),
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            Some(_) => Err(invalid()),
        };
        let tags = body
            .get("imageTag")
            .ok_or_else(missing)?
            .as_array()
            .ok_or_else(invalid)?;
        let tags: Option<Vec<String>> = tags
            .iter()
            .map(|tag| tag.as_str().map(str::to_owned))
            .collect();
        let tags = tags.filter(|tags| !tags.is_empty()).ok_or_else(invalid)?;
        if !tags.iter().all(|tag| is_tag(tag)) {
            return Err(Answer::swr(400, "4009021", "Invalid image tag"));
        }
        let overriding = match body.get("override") {
            None => false,
            Some(value) => value.as_bool().ok_or_else(invalid)?,
        };
        Ok(Self {
            tags,
            overriding,
            remote_namespace: text("remoteNamespace")?,
            remote_region: text("remoteRegionId")?,
        })
    }
}

/// `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`, the rule of OCI registries.
fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && !tag.is_empty()
        && !tag.starts_with(['.', '-'])
}

/// One job for each tag, whether the tag exists or not; the array names what the rules say.
fn sync_images(
    state: &mut State,
    request: &Request,
    holder: &Holder,
    place: Place,
) -> Result<Answer, Answer> {
    lists::find(state, holder, &place)?;
    let (region, namespace, repository) = place;
    if state.world.regions[&region].organizations[&namespace].auth < 7 {
        return Err(Answer::swr(
            403,
            "4037020",
            "No permission to edit or manage this repository",
        ));
    }
    let body = SyncBody::read(request)?;
    if !state.world.regions.contains_key(&body.remote_region) {
        return Err(Answer::swr(500, "5001101", "Internal error"));
    }
    let may_land = holder.may(Operation::SyncImages, &body.remote_region);
    let now = state.now();
    let mut named = Vec::new();
    for tag in body.tags {
        let asked = Asked {
            region: region.clone(),
            namespace: namespace.clone(),
            repository: repository.clone(),
            tag: tag.clone(),
            remote_region: body.remote_region.clone(),
            remote_namespace: body.remote_namespace.clone(),
            overriding: body.overriding,
        };
        let sync = state.sync_for(&asked);
        if sync.named_in_answer {
            named.push(tag);
        }
        let job = state.jobs.add(asked, may_land, sync, now);
        state.jobs.settle(job, &mut state.world, now);
    }
    Ok(Answer::json(200, &json!(named)))
}

fn sync_regions(state: &State, region: &str) -> Answer {
    let listed = |regions: &mut dyn Iterator<Item = &String>| {
        let elements: Vec<Value> = regions
            .map(|id| json!({"regionID": id, "registryURL": registry(id)}))
            .collect();
        Answer::json(200, &json!(elements))
    };
    match &state.world.regions[region].sync_regions {
        SyncRegions::All => listed(&mut state.world.regions.keys()),
        SyncRegions::These(regions) => listed(&mut regions.iter()),
        SyncRegions::Nameless => Answer::json(200, &json!([{"registryURL": registry(region)}, {}])),
        SyncRegions::NotOffered => no_such_api(),
        SyncRegions::Forbidden => Answer::denied(action(Operation::ListSyncRegions)),
    }
}

/// The registry of a region, as `path` fields name it.
fn registry(region: &str) -> String {
    format!("swr.{region}.myhuaweicloud.com")
}

/// UTC, with microseconds, as all times of the API.
fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
