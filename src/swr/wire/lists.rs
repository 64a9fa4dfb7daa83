//! Answers to the reads. Keys are those of the vendor's SDK models; where editions differ, all spellings are taken.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A 200 answer that is not the list or object that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not {what}: {why}")]
pub struct UnreadableRead {
    what: &'static str,
    why: String,
}

/// A tag of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRow {
    /// Its name.
    pub name: String,
    /// The digest of its manifest, of a multi-platform image that of its manifest list.
    pub digest: Option<String>,
}

/// A sync job: one tag on its way to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its number, as text.
    pub id: Option<String>,
    /// When it was made, by the server's clock.
    pub created: Option<Timestamp>,
    /// The remote region.
    pub region: String,
    /// The remote namespace.
    pub namespace: String,
    /// The tag.
    pub tag: String,
    /// `waiting running success failed timeout cancel existed`, or something no documentation knows.
    pub status: String,
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// What the caller may do there: 7 manage, 3 edit, 1 read.
    pub auth: Option<u64>,
}

/// A repository of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryRow {
    /// Its organization.
    pub namespace: Option<String>,
    /// Its name, with its slashes.
    pub name: String,
}

/// A page of tags.
///
/// # Errors
/// A body that is no such list.
pub fn tags(body: &[u8]) -> Result<Vec<TagRow>, UnreadableRead> {
    rows::<WireTag>(body, "a list of tags")?
        .into_iter()
        .map(|tag| tag.read("a list of tags"))
        .collect()
}

/// One tag.
///
/// # Errors
/// A body that is none.
pub fn tag(body: &[u8]) -> Result<TagRow, UnreadableRead> {
    read::<WireTag>(body, "a tag")?.read("a tag")
}

/// A page of repositories; those without a name are passed over, since nothing can be asked of them.
///
/// # Errors
/// A body that is no such list.
pub fn repositories(body: &[u8]) -> Result<Vec<RepositoryRow>, UnreadableRead> {
    #[derive(Deserialize)]
    struct Wire {
        name: String,
        namespace: Option<String>,
    }
    let rows = rows::<Wire>(body, "a list of repositories")?.into_iter();
    Ok(rows
        .filter(|row| !row.name.is_empty())
        .map(|Wire { name, namespace }| RepositoryRow { namespace, name })
        .collect())
}

/// One organization.
///
/// # Errors
/// A body that is none.
pub fn organization(body: &[u8]) -> Result<Organization, UnreadableRead> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(rename = "name")]
        _name: String,
        auth: Option<u64>,
    }
    let Wire { auth, .. } = read(body, "an organization")?;
    Ok(Organization { auth })
}

/// The ids of regions; elements without one, which an edition of the documentation shows, are passed over.
///
/// # Errors
/// A body that is no such list.
pub fn sync_regions(body: &[u8]) -> Result<Vec<String>, UnreadableRead> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(rename = "regionID", alias = "regionId")]
        id: Option<String>,
    }
    let rows = rows::<Wire>(body, "a list of regions")?.into_iter();
    Ok(rows
        .filter_map(|Wire { id }| id.filter(|id| !id.is_empty()))
        .collect())
}

/// A page of sync jobs.
///
/// # Errors
/// A body that is no such list.
pub fn sync_jobs(body: &[u8]) -> Result<Vec<JobRow>, UnreadableRead> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire {
        id: Option<Value>,
        #[serde(default, deserialize_with = "time")]
        created_at: Option<Timestamp>,
        remote_region_id: String,
        remote_namespace: String,
        tag: String,
        status: String,
    }
    let rows = rows::<Wire>(body, "a list of sync jobs")?.into_iter();
    Ok(rows
        .map(|row| JobRow {
            id: row.id.map(|id| match id {
                Value::String(id) => id,
                other => other.to_string(),
            }),
            created: row.created_at,
            region: row.remote_region_id,
            namespace: row.remote_namespace,
            tag: row.tag,
            status: row.status,
        })
        .collect())
}

/// How many rows a list has in all, from `Content-Range: offset-count/total`.
pub fn total(content_range: &str) -> Option<usize> {
    content_range.rsplit_once('/')?.1.trim().parse().ok()
}

/// A tag's name is under `Tag` in lists of the second version, and under `tag` elsewhere.
#[derive(Deserialize)]
struct WireTag {
    #[serde(rename = "Tag")]
    in_lists: Option<String>,
    tag: Option<String>,
    digest: Option<String>,
}

impl WireTag {
    fn read(self, what: &'static str) -> Result<TagRow, UnreadableRead> {
        let name = self.in_lists.or(self.tag).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| UnreadableRead {
            what,
            why: "a tag has neither `Tag` nor `tag`".to_owned(),
        })?;
        Ok(TagRow {
            name,
            digest: self.digest.filter(|digest| !digest.is_empty()),
        })
    }
}

/// Times are ISO 8601 in UTC; one without a zone is taken for UTC too, and what is no time is none.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => text,
        _ => return Ok(None),
    };
    let in_utc = || {
        let time: DateTime = text.parse().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(time).ok()
    };
    Ok(text.parse().ok().or_else(in_utc))
}

/// The rows of a list. An empty body and `null` are an empty list.
fn rows<T: DeserializeOwned>(body: &[u8], what: &'static str) -> Result<Vec<T>, UnreadableRead> {
    if body.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    read::<Option<Vec<T>>>(body, what).map(Option::unwrap_or_default)
}

fn read<T: DeserializeOwned>(body: &[u8], what: &'static str) -> Result<T, UnreadableRead> {
    serde_json::from_slice(body).map_err(|error| UnreadableRead {
        what,
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_tags_name_are_read() {
        let listed = tags(
            br#"[{"id":1,"Tag":"v1","digest":"sha256:a","tag_type":1},{"tag":"v2","digest":""}]"#,
        )
        .expect("a list");
        let names: Vec<_> = listed
            .iter()
            .map(|tag| (tag.name.as_str(), tag.digest.as_deref()))
            .collect();
        assert_eq!(names, [("v1", Some("sha256:a")), ("v2", None)]);
        let shown = tag(br#"{"tag":"v1","digest":"sha256:a"}"#).expect("a tag");
        assert_eq!(
            (shown.name.as_str(), shown.digest.as_deref()),
            ("v1", Some("sha256:a"))
        );
    }

    #[test]
    fn a_job_is_read_with_its_time_whatever_its_form() {
        let read = |created: &str| {
            let body = format!(
                r#"[{{"id":7,"createdAt":{created},"remoteRegionId":"r","remoteNamespace":"n","tag":"v1","status":"running","domainName":null}}]"#
            );
            sync_jobs(body.as_bytes()).expect("a list").remove(0)
        };
        let utc: Timestamp = "2026-11-24T03:00:00.5Z".parse().expect("a time");
        for form in [
            r#""2026-11-24T03:00:00.5Z""#,
            r#""2026-11-24T03:00:00.500000Z""#,
            r#""2026-11-24T11:00:00.5+08:00""#,
            r#""2026-11-24T03:00:00.5""#,
            r#""2026-11-24 03:00:00.5""#,
        ] {
            assert_eq!(read(form).created, Some(utc), "{form}");
        }
        for none in [r#""soon""#, r#""""#, "null", "1"] {
            assert_eq!(read(none).created, None, "{none}");
        }
        assert_eq!(read("null").id.as_deref(), Some("7"));
    }

    #[test]
    fn regions_without_an_id_are_passed_over() {
        let body =
            br#"[{"regionID":"cn-north-4","registryURL":"x"},{"registryURL":"y"},{"regionID":""}]"#;
        assert_eq!(
            sync_regions(body).expect("a list"),
            ["cn-north-4".to_owned()]
        );
    }

    #[test]
    fn nothing_is_an_empty_list() {
        for body in ["", " ", "null", "[]"] {
            assert_eq!(tags(body.as_bytes()), Ok(vec![]), "{body:?}");
            assert_eq!(sync_jobs(body.as_bytes()), Ok(vec![]), "{body:?}");
        }
    }

    #[test]
    fn another_shape_is_told_with_its_place() {
        for body in [
            "<html>",
            "{}",
            "[1]",
            r#"[{"digest":"x"}]"#,
            r#"[{"Tag":1}]"#,
            r#"["v1"]"#,
        ] {
            assert!(tags(body.as_bytes()).is_err(), "{body}");
        }
        for body in [
            "{}",
            r#"[{"id":1,"tag":"v1","remoteRegionId":"r","remoteNamespace":"n"}]"#,
            r#"[{"id":1,"tag":2,"remoteRegionId":"r","remoteNamespace":"n","status":"success"}]"#,
        ] {
            assert!(sync_jobs(body.as_bytes()).is_err(), "{body}");
        }
        for body in [
            "",
            "null",
            "[]",
            r#"{"auth":7}"#,
            r#"{"name":"team","auth":"7"}"#,
        ] {
            assert!(organization(body.as_bytes()).is_err(), "{body:?}");
        }
        let message = tags(br#"[{"digest":"x"}]"#)
            .expect_err("no name")
            .to_string();
        assert_eq!(
            message,
            "the body is not a list of tags: a tag has neither `Tag` nor `tag`"
        );
    }

    #[test]
    fn what_has_no_name_is_not_taken() {
        let body = br#"[{"name":""},{"name":"app"}]"#;
        let names: Vec<_> = repositories(body)
            .expect("a list")
            .into_iter()
            .map(|row| row.name)
            .collect();
        assert_eq!(names, ["app"]);
        assert!(tags(br#"[{"Tag":""}]"#).is_err());
    }

    #[test]
    fn the_total_is_read_from_the_content_range() {
        assert_eq!(total("0-100/257"), Some(257));
        assert_eq!(total("items 0-100/7 "), Some(7));
        for none in ["", "0-100", "0-100/*", "0-100/-1"] {
            assert_eq!(total(none), None, "{none}");
        }
    }
}
