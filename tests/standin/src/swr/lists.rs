//! The read calls: lists with their pages and filters, and single objects.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::{registry, time};
use crate::answer::Answer;
use crate::credential::Holder;
use crate::jobs::{Asked, Place};
use crate::record::Request;
use crate::signature::sha256_hex;
use crate::state::State;
use crate::world::{JobOrder, Organization, Repository, Tag};

/// The organization, or the answer that it is not there or not the caller's.
fn find_organization<'a>(
    state: &'a State,
    holder: &Holder,
    region: &str,
    namespace: &str,
) -> Result<&'a Organization, Answer> {
    let Some(organization) = state.world.regions[region].organizations.get(namespace) else {
        return Err(Answer::swr(404, "4040058", "Namespace does not exists"));
    };
    if organization.account != holder.account {
        return Err(Answer::swr(
            403,
            "4039001",
            "The resource does not belong to you",
        ));
    }
    Ok(organization)
}

/// The repository, or the answer that it or its organization is not there.
pub(super) fn find<'a>(
    state: &'a State,
    holder: &Holder,
    (region, namespace, repository): &Place,
) -> Result<&'a Repository, Answer> {
    let organization = find_organization(state, holder, region, namespace)?;
    organization
        .repositories
        .get(repository)
        .ok_or_else(|| Answer::swr(404, "4040010", "Image does not exist"))
}

/// What a list call asks for: `filter=a::b|c::d` where given, else single parameters.
struct Query(HashMap<String, String>);

impl Query {
    fn read(request: &Request) -> Result<Self, Answer> {
        let Some(filter) = request.query("filter") else {
            return Ok(Self(request.query.iter().cloned().collect()));
        };
        let pairs: Option<HashMap<String, String>> = filter
            .split('|')
            .map(|part| {
                part.split_once("::")
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
            })
            .collect();
        pairs.map(Self).ok_or_else(bad_query)
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0
            .get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// `limit` and `offset`: together or not at all; 1 to 1,000; the offset a multiple of the limit.
    fn page(&self) -> Result<(usize, usize), Answer> {
        let (limit, offset) = match (self.get("limit"), self.get("offset")) {
            (None, None) => (100, 0),
            (Some(limit), Some(offset)) => (
                limit.parse().map_err(|_| bad_query())?,
                offset.parse().map_err(|_| bad_query())?,
            ),
            _ => return Err(bad_query()),
        };
        if !(1..=1000).contains(&limit) || offset % limit != 0 {
            return Err(bad_query());
        }
        Ok((limit, offset))
    }
}

fn bad_query() -> Answer {
    Answer::swr(400, "4001025", "Invalid query parameter or filter")
}

/// One page of rows, with `Content-Range: offset-count/total`.
fn page(rows: impl ExactSizeIterator<Item = Value>, limit: usize, offset: usize) -> Answer {
    let total = rows.len();
    let rows: Vec<Value> = rows.skip(offset).take(limit).collect();
    Answer::json(200, &json!(rows))
        .with("Content-Range", &format!("{offset}-{}/{total}", rows.len()))
}

/// ListRepositoryTags, second version: the tag's name is under `Tag`.
pub(super) fn tags(
    state: &mut State,
    request: &Request,
    holder: &Holder,
    place: &Place,
) -> Result<Answer, Answer> {
    let query = Query::read(request)?;
    let (limit, offset) = query.page()?;
    let now = state.now();
    state.jobs.settle_at(place, &mut state.world, now);
    let born = state.born;
    let answer = find(state, holder, place).map(|repository| {
        let wanted = query.get("tag");
        let mut tags: Vec<(&String, &Tag)> = repository
            .tags
            .iter()
            .filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name))
            .collect();
        match (query.get("order_column"), query.get("order_type")) {
            (Some("updated_at"), Some("asc")) => {
                tags.sort_by_key(|(_, tag)| tag.updated.unwrap_or(born));
            }
            (Some("updated_at"), Some("desc")) => {
                tags.sort_by_key(|(_, tag)| std::cmp::Reverse(tag.updated.unwrap_or(born)));
            }
            _ => {}
        }
        page(
            tags.into_iter()
                .map(|(name, tag)| tag_row(state, place, name, tag, "Tag")),
            limit,
            offset,
        )
    });
    if offset == 0 {
        state.jobs.target_read(place, None);
    }
    answer
}

/// ShowRepoTag: the tag's name is under `tag`.
pub(super) fn tag(
    state: &mut State,
    holder: &Holder,
    place: &Place,
    name: &str,
) -> Result<Answer, Answer> {
    let now = state.now();
    state.jobs.settle_at(place, &mut state.world, now);
    let answer = find(state, holder, place).and_then(|repository| {
        let tag = repository
            .tags
            .get(name)
            .ok_or_else(|| Answer::swr(404, "4040048", "Image tag does not exist"))?;
        Ok(Answer::json(200, &tag_row(state, place, name, tag, "tag")))
    });
    state.jobs.target_read(place, Some(name));
    answer
}

fn tag_row(state: &State, place: &Place, name: &str, tag: &Tag, name_key: &str) -> Value {
    let (region, namespace, repository) = place;
    let digits = sha256_hex(format!("{place:?}{name}").as_bytes());
    let id = u64::from_str_radix(&digits[..8], 16).unwrap_or_default();
    let updated = time(tag.updated.unwrap_or(state.born));
    let media_type = match tag.tag_type {
        0 => "application/vnd.docker.distribution.manifest.v2+json",
        _ => "application/vnd.docker.distribution.manifest.list.v2+json",
    };
    json!({
        "id": id,
        "repo_id": id % 1000,
        name_key: name,
        "image_id": &tag.digest["sha256:".len().min(tag.digest.len())..],
        "manifest": json!({"schemaVersion": 2, "mediaType": media_type}).to_string(),
        "digest": tag.digest,
        "schema": 2,
        "path": format!("{}/{namespace}/{repository}:{name}", registry(region)),
        "internal_path": format!("{}/{namespace}/{repository}:{name}", registry(region)),
        "size": tag.size,
        "is_trusted": false,
        "created": updated,
        "updated": updated,
        "deleted": null,
        "domain_id": state.world.regions[region].organizations[namespace].account,
        "scanned": false,
        "tag_type": tag.tag_type,
    })
}

/// ListReposDetails: `namespace` and `name` narrow it, the name as a part.
pub(super) fn repositories(
    state: &State,
    request: &Request,
    holder: &Holder,
    region: &str,
) -> Result<Answer, Answer> {
    let query = Query::read(request)?;
    let (limit, offset) = query.page()?;
    if query.get("order_column") == Some("updated_at") {
        return Err(Answer::swr(400, "4001096", "Invalid parameter"));
    }
    let (wanted, part) = (
        query.get("namespace"),
        query.get("name").unwrap_or_default(),
    );
    let mut rows = Vec::new();
    for (namespace, organization) in &state.world.regions[region].organizations {
        if organization.account == holder.account && wanted.is_none_or(|wanted| wanted == namespace)
        {
            let found = organization
                .repositories
                .iter()
                .filter(|(name, _)| name.contains(part));
            rows.extend(found.map(|(name, repository)| (namespace, name, repository)));
        }
    }
    let rows = rows.into_iter().map(|(namespace, name, repository)| {
        repository_row(state, region, namespace, name, repository)
    });
    Ok(page(rows, limit, offset))
}

fn repository_row(
    state: &State,
    region: &str,
    namespace: &str,
    name: &str,
    repository: &Repository,
) -> Value {
    let updated = repository
        .tags
        .values()
        .filter_map(|tag| tag.updated)
        .max()
        .unwrap_or(state.born);
    json!({
        "name": name,
        "namespace": namespace,
        "category": "other",
        "description": "",
        "is_public": false,
        "num_images": repository.tags.len(),
        "tags": repository.tags.keys().take(20).collect::<Vec<_>>(),
        "path": format!("{}/{namespace}/{name}", registry(region)),
        "internal_path": format!("{}/{namespace}/{name}", registry(region)),
        "created_at": time(state.born),
        "updated_at": time(updated),
    })
}

/// ShowRepository: a summary, without tags.
pub(super) fn repository(state: &State, holder: &Holder, place: &Place) -> Result<Answer, Answer> {
    let repository = find(state, holder, place)?;
    let (region, namespace, name) = place;
    let mut row = repository_row(state, region, namespace, name, repository);
    if let Some(fields) = row.as_object_mut() {
        fields.remove("tags");
        let updated = fields.remove("updated_at");
        fields.insert("updated".to_owned(), updated.unwrap_or_default());
        let created = fields.remove("created_at");
        fields.insert("created".to_owned(), created.unwrap_or_default());
    }
    Ok(Answer::json(200, &row))
}

/// ListNamespaces: `namespace` names one.
pub(super) fn namespaces(
    state: &State,
    request: &Request,
    holder: &Holder,
    region: &str,
) -> Result<Answer, Answer> {
    let query = Query::read(request)?;
    let wanted = query.get("namespace");
    let organizations = state.world.regions[region].organizations.iter();
    let rows: Vec<Value> = organizations
        .filter(|(name, organization)| {
            organization.account == holder.account && wanted.is_none_or(|wanted| wanted == *name)
        })
        .map(|(name, organization)| namespace_row(name, organization))
        .collect();
    Ok(Answer::json(200, &json!({ "namespaces": rows })))
}

/// ShowNamespace.
pub(super) fn namespace(
    state: &State,
    holder: &Holder,
    region: &str,
    name: &str,
) -> Result<Answer, Answer> {
    let organization = find_organization(state, holder, region, name)?;
    Ok(Answer::json(200, &namespace_row(name, organization)))
}

fn namespace_row(name: &str, organization: &Organization) -> Value {
    let id = u64::from_str_radix(&sha256_hex(name.as_bytes())[..6], 16).unwrap_or_default();
    json!({"id": id, "name": name, "creator_name": "standin", "auth": organization.auth})
}

/// ShowSyncJob: one row for each tag and target; `filter` with `limit` and `offset` is mandatory.
pub(super) fn sync_jobs(
    state: &mut State,
    request: &Request,
    holder: &Holder,
    place: &Place,
) -> Result<Answer, Answer> {
    find(state, holder, place)?;
    if request.query("filter").is_none() {
        return Err(Answer::swr(400, "4001014", "Mandatory parameter missing"));
    }
    let query = Query::read(request)?;
    let (Some(_), Some(_)) = (query.get("limit"), query.get("offset")) else {
        return Err(Answer::swr(400, "4001035", "Invalid filter"));
    };
    let (limit, offset) = query.page()?;
    let ascending = match query.get("order") {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return Err(Answer::swr(400, "4001035", "Invalid filter")),
    };
    let now = state.now();
    state.jobs.settle_at(place, &mut state.world, now);
    state.jobs.rounds += u64::from(offset == 0);
    let round = state.jobs.rounds;
    let order = state.world.job_order;
    let (mut listed, hidden): (Vec<_>, Vec<_>) = state
        .jobs
        .from(place)
        .into_iter()
        .partition(|(_, job)| job.status().is_some());
    match order {
        JobOrder::AsAsked => listed.sort_by_key(|(id, job)| (job.created, *id)),
        JobOrder::Reversed => listed.sort_by_key(|(id, job)| std::cmp::Reverse((job.created, *id))),
        JobOrder::Shuffled => listed.sort_by_key(|(id, _)| {
            let mut hasher = DefaultHasher::new();
            (id, round).hash(&mut hasher);
            hasher.finish()
        }),
    }
    if !ascending {
        listed.reverse();
    }
    let total = listed.len();
    let mut rows = Vec::new();
    for (id, job) in listed.into_iter().skip(offset).take(limit) {
        let Asked {
            namespace,
            repository,
            tag,
            remote_region,
            remote_namespace,
            overriding,
            ..
        } = &job.asked;
        rows.push(json!({
            "createdAt": time(job.created),
            "domainID": holder.account,
            "domainName": "standin",
            "id": id + 1,
            "namespace": namespace,
            "override": overriding,
            "remoteNamespace": remote_namespace,
            "remoteRegionId": remote_region,
            "repoName": repository,
            "status": job.status(),
            "syncOperatorId": holder.account,
            "syncOperatorName": "standin",
            "tag": tag,
            "updatedAt": time(job.updated),
        }));
        job.row_read();
    }
    if offset == 0 {
        for (_, job) in hidden {
            job.row_read();
        }
    }
    Ok(Answer::json(200, &json!(rows))
        .with("Content-Range", &format!("{offset}-{}/{total}", rows.len())))
}
