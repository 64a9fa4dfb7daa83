//! The calls this program makes: paths, queries, bodies. A new API call is added here.

use serde::Serialize;

use crate::config::Override;
use crate::names::{Tag, Target};
use crate::plan::Images;

/// A request without host and authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
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
        path: format!("{}/sync_images", repository(images)),
        query: Vec::new(),
        body: serde_json::to_vec(&body).expect("texts and a boolean are always JSON"),
    }
}

fn repository(images: &Images) -> String {
    format!(
        "/v2/manage/namespaces/{}/repos/{}",
        images.namespace,
        images.repository.path_segment()
    )
}
