//! The calls this program makes: paths, queries, bodies. A new API call is added here.

use serde::Serialize;

use crate::config::Override;
use crate::names::{Namespace, Repository, Tag, Target};
use crate::plan::Images;

/// How many rows of a list are asked for at once; SWR's own default.
pub const PAGE: usize = 100;

/// A request without host and authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The action that an identity policy must allow for it, where one is needed; docs/permissions.md has them all.
    pub action: Option<&'static str>,
    /// The path as it goes over the wire; it holds nothing that needs an escape.
    path: String,
    /// Query keys and values, decoded.
    pub query: Vec<(&'static str, String)>,
    /// The body as it is sent and signed; empty for none.
    pub body: Vec<u8>,
}

impl Request {
    /// The path below the address of the API.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// The body of the sync call; the keys are exactly these (`swr_02_0014`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SyncImagesBody<'a> {
    image_tag: Vec<&'a str>,
    r#override: bool,
    remote_namespace: &'a str,
    remote_region_id: &'a str,
}

/// Asks to copy tags of one repository to one target (`CreateManualImageSyncRepo`). Repeating it is safe: the copy is
/// made again, or found to be there.
pub fn sync_images(
    images: &Images,
    target: &Target,
    tags: &[Tag],
    override_existing: Override,
) -> Request {
    let body = SyncImagesBody {
        image_tag: tags.iter().map(Tag::as_str).collect(),
        r#override: override_existing == Override::Replace,
        remote_namespace: target.namespace.as_str(),
        remote_region_id: target.region.as_str(),
    };
    Request {
        method: "POST",
        action: Some("swr:repo:createManualSyncRepoJob"),
        path: format!(
            "{}/sync_images",
            path(&images.namespace, &images.repository)
        ),
        query: Vec::new(),
        body: serde_json::to_vec(&body).expect("texts and a boolean are always JSON"),
    }
}

/// A page of the sync jobs of a repository, the newest first (`ShowSyncJob`, `swr_02_0123`). `filter` is mandatory there.
/// Asked of the source region.
pub fn list_sync_jobs(namespace: &Namespace, repository: &Repository, offset: usize) -> Request {
    let filter = format!("limit::{PAGE}|offset::{offset}|order::desc");
    get(
        Some("swr:repo:getSyncRepoJobInfo"),
        format!("{}/sync_job", path(namespace, repository)),
        vec![("filter", filter)],
    )
}

/// The order in which tags are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagOrder {
    /// SWR's own.
    Default,
    /// Those pushed or synced last come first.
    NewestFirst,
}

/// A page of the tags of a repository (`ListRepositoryTags`, second version).
pub fn list_tags(
    namespace: &Namespace,
    repository: &Repository,
    order: TagOrder,
    offset: usize,
) -> Request {
    let mut query = page(offset);
    if order == TagOrder::NewestFirst {
        query.extend([
            ("order_column", "updated_at".to_owned()),
            ("order_type", "desc".to_owned()),
        ]);
    }
    get(
        Some("swr:repo:listRepoTags"),
        format!("{}/tags", path(namespace, repository)),
        query,
    )
}

/// One tag (`ShowRepoTag`).
pub fn show_tag(namespace: &Namespace, repository: &Repository, tag: &Tag) -> Request {
    get(
        Some("swr:repo:getRepoTag"),
        format!("{}/tags/{tag}", path(namespace, repository)),
        Vec::new(),
    )
}

/// A page of the repositories of an organization (`ListReposDetails`).
pub fn list_repositories(namespace: &Namespace, offset: usize) -> Request {
    let mut query = page(offset);
    query.push(("namespace", namespace.to_string()));
    get(
        Some("swr:repo:listRepos"),
        "/v2/manage/repos".to_owned(),
        query,
    )
}

/// One organization (`ShowNamespace`).
pub fn show_namespace(namespace: &Namespace) -> Request {
    get(
        Some("swr:namespace:getNamespace"),
        format!("/v2/manage/namespaces/{namespace}"),
        Vec::new(),
    )
}

/// The regions that images can be synced to (`ListSyncRegions`).
pub fn list_sync_regions() -> Request {
    get(None, "/v2/manage/regions".to_owned(), Vec::new())
}

fn get(action: Option<&'static str>, path: String, query: Vec<(&'static str, String)>) -> Request {
    Request {
        method: "GET",
        action,
        path,
        query,
        body: Vec::new(),
    }
}

/// `limit` and `offset` belong together, and some editions want the offset to be a multiple of the limit.
fn page(offset: usize) -> Vec<(&'static str, String)> {
    vec![("limit", PAGE.to_string()), ("offset", offset.to_string())]
}

fn path(namespace: &Namespace, repository: &Repository) -> String {
    format!(
        "/v2/manage/namespaces/{namespace}/repos/{}",
        repository.path_segment()
    )
}
