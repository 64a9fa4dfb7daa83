//! What a person can do about an error answer.

use jiff::Timestamp;

use crate::names::Region;
use crate::swr::error::{ApiError, ErrorKind};
use crate::swr::wire::ErrorBody;

/// What is known about a request that was refused.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The region that was asked.
    pub region: &'a Region,
    /// Whether it is the source region.
    pub is_source: bool,
    /// The path that was asked for.
    pub path: &'a str,
    /// What was signed, where it was.
    pub canonical_request: Option<&'a str>,
    /// The runner's clock when it was signed.
    pub signed_at: Timestamp,
    /// The server's clock, as its `Date` header tells it.
    pub server_time: Option<String>,
}

/// Adds the remedy to an error.
pub fn explain(error: &mut ApiError, body: &ErrorBody, context: &Context<'_>) {
    error.failure.remedy = Some(remedy(error, body, context));
}

fn remedy(error: &ApiError, body: &ErrorBody, context: &Context<'_>) -> String {
    let Context { region, path, .. } = context;
    let code = error.failure.code.as_deref().unwrap_or_default();
    let serial = code.rsplit('.').next().unwrap_or_default();
    if body.is_registry {
        return "this is the answer of a container registry, not of the API; check `endpoint` (the API's host begins with `swr-api`)".to_owned();
    }
    match (error.kind, serial) {
        (ErrorKind::NotFound, "0101") if path.contains('$') => {
            format!("the API was not found: check `region` ({region}) and `endpoint`. The slash of the repository travels as `$`; a proxy that rewrites it leads here")
        }
        (ErrorKind::NotFound, "0101") => format!("the API was not found: check `region` ({region}) and `endpoint`"),
        (ErrorKind::NotFound, "4040058" | "4041061") => {
            "the organization does not exist: create it in the region the message is about, or check the spelling of `namespace` and `targets`".to_owned()
        }
        (ErrorKind::NotFound, "4040010" | "4040113") => "the repository does not exist in the source region: check its spelling, and that the push went there".to_owned(),
        (ErrorKind::NotFound, "4040048" | "4040115" | "4041056" | "4041057") => "the tag does not exist in the source region: check that the push was finished".to_owned(),
        (ErrorKind::NotFound, _) => format!("check organization, repository, `region` ({region}) and `endpoint`"),
        (ErrorKind::Throttled, _) => "SWR limits the rate of requests: lower `concurrency`, raise `retries`, or run fewer jobs at once".to_owned(),
        (ErrorKind::Unavailable, "5001101") => "SWR answers this for a remote region it does not know: check `targets`; `preflight: true` suggests the nearest one".to_owned(),
        (ErrorKind::Unavailable, _) => "the service or a gateway before it is not available: try again later, or raise `retries`".to_owned(),
        (ErrorKind::Refused, "4000016" | "4009021") => "SWR does not take one of these tags: check `tags`".to_owned(),
        (ErrorKind::Refused, "4001008" | "4001028" | "4009010") => "SWR does not take the name of the organization: check `namespace` and `targets`".to_owned(),
        (ErrorKind::Refused, "4001029" | "4009011") => "SWR does not take the name of the repository: check `images` or `repository`".to_owned(),
        (ErrorKind::Refused, "4000031" | "4001013") => "SWR does not take the access key: check `access-key` and `secret-key`".to_owned(),
        (ErrorKind::Refused, "4000097" | "4000098" | "4000099") => "a quota is used up: raise it in the console, or delete what is not needed".to_owned(),
        (ErrorKind::Refused, "4090006") => "a different image has this tag in the target: set `override: true` to replace it".to_owned(),
        (ErrorKind::Refused, "5070070") => "OBS is not available to the account: check for arrears in the console".to_owned(),
        (ErrorKind::Refused, _) if matches!(error.failure.http_status, Some(300..=399)) => {
            "redirects are never followed: check `endpoint`, and whether a proxy or login page stands between".to_owned()
        }
        (ErrorKind::Refused, _) if matches!(error.failure.http_status, Some(201..=299)) => {
            "only 200 is the documented answer of success: check `endpoint`, and whether the tags have arrived".to_owned()
        }
        (ErrorKind::Refused, _) if error.failure.http_status == Some(407) => "the proxy asks for a login: put it into HTTPS_PROXY".to_owned(),
        (ErrorKind::Refused, _) => "check the inputs against the message; the request id helps the vendor's support".to_owned(),
        (ErrorKind::Forbidden, "0802") => format!("the IAM user is not allowed in region {region}: grant it there"),
        (ErrorKind::Forbidden, _) => {
            let action = action(path).map_or_else(|| "the right to read organizations and repositories".to_owned(), |action| format!("the action `{action}`"));
            format!("grant {action} or the role SWR Admin in the projects of source and target region (asked: {region}); see docs/permissions.md")
        }
        (ErrorKind::Unauthorized, _) => "check `access-key` and `secret-key`, and the runner's clock".to_owned(),
        (ErrorKind::NoAnswer | ErrorKind::Untrusted | ErrorKind::Unreadable | ErrorKind::NotSent, _) => String::new(),
    }
}

/// The action that an identity policy has to allow, where the vendor names it.
fn action(path: &str) -> Option<&'static str> {
    let mut segments = path.rsplit('/');
    match (segments.next(), segments.next()) {
        (Some("sync_images"), _) => Some("swr:repo:createManualSyncRepoJob"),
        (Some("sync_job"), _) => Some("swr:repo:getSyncRepoJobInfo"),
        (Some("tags"), _) | (_, Some("tags")) => Some("swr:repo:listRepoTags"),
        _ => None,
    }
}
