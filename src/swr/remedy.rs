//! What a person can do about an error answer: by the server's code where it tells more than the status, else by class.

use jiff::Timestamp;

use crate::names::Region;
use crate::swr::error::{ApiError, ErrorKind};
use crate::swr::explain::{self, Explanation};
use crate::swr::pace::RETRY_AFTER_LIMIT;
use crate::swr::wire::ErrorBody;

/// What is known about a request that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The region that was asked.
    pub region: &'a Region,
    /// The path that was asked for.
    pub path: &'a str,
    /// The action that the request needs in IAM, where the vendor names one.
    pub action: Option<&'a str>,
    /// What was signed, where it was.
    pub canonical_request: Option<&'a str>,
    /// The runner's clock when it was signed.
    pub signed_at: Timestamp,
    /// The server's clock, as its `Date` header tells it.
    pub server_time: Option<Timestamp>,
}

/// Remedies by the last part of the server's code, whatever its class; `{region}` stands for the region asked. Codes and
/// meanings: the vendor's error code tables, see docs/troubleshooting.md.
const BY_CODE: [(&[&str], &str); 13] = [
    (
        &["4040058", "4041061"],
        "the organization does not exist: create it in the region the message is about, or check the spelling of `namespace` and `targets`",
    ),
    (
        &["4040010", "4040113"],
        "the repository does not exist in the source region: check its spelling, and that the push went there",
    ),
    (
        &["4040048", "4040115", "4041056", "4041057"],
        "the tag does not exist in the source region: check that the push was finished",
    ),
    (
        &["4000016", "4009021"],
        "SWR does not take one of these tags: check `tags`",
    ),
    (
        &["4001008", "4001028", "4009010"],
        "SWR does not take the name of the organization: check `namespace` and `targets`",
    ),
    (
        &["4001029", "4009011"],
        "SWR does not take the name of the repository: check `images` or `repository`",
    ),
    (
        &["4000031", "4001013"],
        "SWR does not take the access key: check `access-key` and `secret-key`",
    ),
    (
        &["4000097", "4000098", "4000099"],
        "a quota is used up: raise it in the console, or delete what is not needed",
    ),
    (
        &["4090006"],
        "a different image has this tag in the target: set `override: true` to replace it",
    ),
    (
        &["5001101"],
        "SWR answers this for a remote region it does not know: check `targets`; `preflight: true` suggests the nearest one",
    ),
    (
        &["5070070"],
        "OBS is not available to the account: check for arrears in the console",
    ),
    (
        &["0307"],
        "get a new token: `auth-token` has expired or was revoked",
    ),
    (
        &["0802"],
        "the IAM user is not allowed in region {region}: grant it there",
    ),
];

/// Adds the remedy to an error answer, and takes out of its message what must not be shown.
pub fn explain(error: &mut ApiError, body: &ErrorBody, context: &Context<'_>) {
    let code = error.failure.code.clone().unwrap_or_default();
    let message = &error.failure.message;
    let Explanation { message, remedy } = match error.kind {
        ErrorKind::Unauthorized => explain::unauthorized(
            message,
            context.canonical_request,
            context.signed_at,
            context.server_time,
        ),
        ErrorKind::Forbidden => {
            explain::forbidden(&code, message, context.action, context.region.as_str())
        }
        _ => Explanation {
            message: message.clone(),
            remedy: by_class(error, context),
        },
    };
    let serial = code.rsplit('.').next().unwrap_or_default();
    let by_code = BY_CODE
        .iter()
        .find(|(serials, _)| serials.contains(&serial));
    let remedy = match by_code {
        _ if body.is_registry => {
            "this is the answer of a container registry, not of the API: check `endpoint`; the API's host begins with `swr-api`".to_owned()
        }
        Some((_, remedy)) => remedy.replace("{region}", context.region.as_str()),
        None => remedy,
    };
    error.failure.message = message;
    error.failure.remedy = Some(remedy);
}

fn by_class(error: &ApiError, context: &Context<'_>) -> String {
    let Context { region, path, .. } = context;
    if let Some(asked) = error.too_long_a_wait() {
        let (asked, most) = (
            humantime::format_duration(asked),
            humantime::format_duration(RETRY_AFTER_LIMIT),
        );
        return format!(
            "the answer asks to wait {asked} before the next try, and this step waits {most} at most: run it again later"
        );
    }
    match (error.kind, error.failure.http_status) {
        (ErrorKind::NotFound, _) if error.failure.code.as_deref().is_some_and(|code| code.ends_with(".0101")) => {
            let slash = if path.contains('$') {
                "; the slash of the repository travels as `$`, and a proxy that rewrites it leads here too"
            } else {
                ""
            };
            format!("there is no such API at this address: check `region` ({region}) and `endpoint`{slash}")
        }
        (ErrorKind::NotFound, _) => format!("check organization, repository, `region` ({region}) and `endpoint`"),
        (ErrorKind::Throttled, _) => "SWR limits the rate of requests: lower `concurrency`, raise `retries`, or run fewer jobs at once".to_owned(),
        (ErrorKind::Unavailable, _) => "the service, or a gateway before it, is not able to answer: try again later, or raise `retries`".to_owned(),
        (_, Some(201..=299)) => "only 200 is the documented answer of success: check `endpoint`, and whether the tags have arrived".to_owned(),
        (_, Some(300..=399)) => "redirects are never followed: check `endpoint`, and whether a proxy or login page stands between".to_owned(),
        (_, Some(407)) => "the proxy asks for a login: put user and password into HTTPS_PROXY".to_owned(),
        _ => "check the inputs against the message; the vendor's support can find the call by its request id".to_owned(),
    }
}
