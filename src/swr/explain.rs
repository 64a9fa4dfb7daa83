//! What a 401 or 403 means, and what a person can do about it, from the words of the gateway.
//!
//! Source of the words: the vendor's signing guide (`devg-apisign`, error codes) and reports of users.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// A refusal in words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the server says, without the request that it echoes, which may hold a security token.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// The most that the clocks may be apart.
const SKEW_LIMIT: SignedDuration = SignedDuration::from_mins(15);

/// What stands before the request that the gateway echoes.
const ECHO: &str = "canonicalRequest:";

/// Explains a 401. `canonical_request` is what was signed, none with a token; `signed_at` is the runner's clock then,
/// `server_time` the `Date` header of the answer.
pub fn unauthorized(
    message: &str,
    canonical_request: Option<&str>,
    signed_at: Timestamp,
    server_time: Option<Timestamp>,
) -> Explanation {
    let (said, echo) = match message.split_once(ECHO) {
        Some((said, echo)) => (said.trim_end_matches([',', ' ']), Some(echo)),
        None => (message, None),
    };
    let words = said.to_lowercase();
    let says = |candidates: &[&str]| candidates.iter().any(|part| words.contains(part));
    let remedy = if says(&["signature expired"]) {
        let (runner, server) =
            clocks(&words).unwrap_or((signed_at, server_time.unwrap_or(signed_at)));
        skew(runner, server)
    } else if says(&["reach the limit"]) {
        "the access key is locked for 5 minutes after more than five bad signatures: wait that long, then check \
        `secret-key` before the next run; other jobs with this key fail meanwhile"
            .to_owned()
    } else if says(&["not exist"]) {
        "the access key is unknown: check `access-key` for a slip, that it was not deleted or disabled, and that it is \
        of the site that is asked (.com, .eu); temporary keys need their `security-token`"
            .to_owned()
    } else if says(&["token"]) {
        "the token is missing, expired, cut off or of another region: get a new `auth-token` or `security-token` for the \
        source region; does a proxy drop long headers?"
            .to_owned()
    } else if let Some(server) = server_time
        && server.duration_since(signed_at).abs() > SKEW_LIMIT
    {
        skew(signed_at, server)
    } else if says(&["verify aksk signature fail"]) || echo.is_some() {
        match echo.zip(canonical_request).map(|(echo, own)| difference(echo, own)) {
            Some(Some(difference)) => {
                format!("the request was changed on its way, by a proxy perhaps: {difference}")
            }
            Some(None) => "the request arrived as it was signed, so the secret key is wrong: does `secret-key` belong to \
                `access-key`, and is it whole?"
                .to_owned(),
            None => "check that `secret-key` belongs to `access-key` and is whole, and that no proxy changes the request"
                .to_owned(),
        }
    } else if canonical_request.is_some() {
        "check `access-key` and `secret-key`, the runner's clock, and that no proxy drops or changes headers".to_owned()
    } else {
        "check `auth-token`: it must be for the project of the source region, and less than 24 hours old".to_owned()
    };
    Explanation {
        message: said.to_owned(),
        remedy,
    }
}

/// The clocks in "signature expired, signature time:20211217T064303Z,server time:20211217T065804Z", in lower case.
fn clocks(words: &str) -> Option<(Timestamp, Timestamp)> {
    let time = |label: &str| {
        let (_, rest) = words.split_once(label)?;
        let text = rest.get(..16)?;
        let civil = DateTime::strptime("%Y%m%dt%H%M%Sz", text).ok()?;
        Offset::UTC.to_timestamp(civil).ok()
    };
    Some((time("signature time:")?, time("server time:")?))
}

fn skew(runner: Timestamp, server: Timestamp) -> String {
    let difference = runner.duration_since(server);
    let side = if difference.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let seconds = difference.abs().as_secs().unsigned_abs();
    let apart = humantime::format_duration(std::time::Duration::from_secs(seconds));
    format!(
        "set the runner's clock: it is {apart} {side} the server's (runner {runner:.0}, server {server:.0}), and \
        15 minutes are allowed"
    )
}

/// The first line in which the gateway's canonical request differs from ours. The gateway writes `|` for line ends, and
/// perhaps one more at the end.
fn difference(echo: &str, own: &str) -> Option<String> {
    let seen: Vec<&str> = echo.trim_end_matches(['|', ' ']).split('|').collect();
    let own = own.replace('\n', "|");
    let sent: Vec<&str> = own.split('|').collect();
    let index =
        (0..seen.len().max(sent.len())).find(|&index| seen.get(index) != sent.get(index))?;
    let line = |lines: &[&str]| lines.get(index).map(|line| (*line).to_owned());
    let (sent_line, seen_line) = (line(&sent), line(&seen));
    let name = name(
        index,
        sent.len(),
        sent_line.as_deref().or(seen_line.as_deref()),
    );
    let is_secret = [&sent_line, &seen_line]
        .into_iter()
        .flatten()
        .any(|line| line.to_lowercase().starts_with("x-security-token"));
    if is_secret {
        return Some(format!("{name} differs"));
    }
    let show = |line: Option<String>| match line {
        Some(line) if line.is_empty() => "nothing".to_owned(),
        Some(line) => format!("`{line}`"),
        None => "no such line".to_owned(),
    };
    Some(format!(
        "{name} differs: sent {}, the gateway saw {}",
        show(sent_line),
        show(seen_line)
    ))
}

/// What a line of a canonical request is, by its place in it.
fn name(index: usize, count: usize, line: Option<&str>) -> String {
    match index {
        0 => "the method".to_owned(),
        1 => "the path".to_owned(),
        2 => "the query".to_owned(),
        _ if index + 1 >= count => "the hash of the body".to_owned(),
        _ if index + 2 == count => "the list of signed headers".to_owned(),
        _ => match line.and_then(|line| line.split_once(':')) {
            Some((header, _)) => format!("the header {header}"),
            None => "the end of the headers".to_owned(),
        },
    }
}

/// Explains a 403. `action` is what the request needs in the present IAM, as far as the vendor names it, `region` where
/// it was asked for.
pub fn forbidden(code: &str, message: &str, action: Option<&str>, region: &str) -> Explanation {
    let serial = code.rsplit('.').next().unwrap_or_default();
    let right = named_action(message).or(action).map_or_else(
        || "the right to read organizations and repositories".to_owned(),
        |action| format!("`{action}`"),
    );
    let remedy = match serial {
        "0302" => format!(
            "the account does not let this user call the API in {region}: ask whoever manages IAM, and look for deny rules and lists of allowed addresses"
        ),
        "0303" | "0304" | "0305" | "0306" => {
            "these are credentials of an app, not of IAM: use the access key of an IAM user, or a keyless way".to_owned()
        }
        "0310" => format!(
            "the project in {region} is not available: check `project-id`, and that the account is not in arrears"
        ),
        "0802" => format!("this user is not allowed in {region}: grant it there in IAM"),
        "4037017" | "4037018" | "4037020" => {
            "the user needs the right to edit or manage in the organization (console of SWR, organization, users)".to_owned()
        }
        _ => format!(
            "grant {right} to the user or agency, or the role SWR Admin in the project of {region} (source and target region both need it); docs/permissions.md has the whole policy"
        ),
    };
    Explanation {
        message: message.to_owned(),
        remedy,
    }
}

/// The action that the message names, such as `swr:repo:createManualSyncRepoJob` or `sts::createServiceBearerToken`.
fn named_action(message: &str) -> Option<&str> {
    message
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == ':'))
        .map(|word| word.trim_end_matches(':'))
        .find(|word| {
            let parts: Vec<&str> = word.split(':').collect();
            matches!(parts[..], ["swr" | "sts" | "iam", _, verb] if !verb.is_empty())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "GET\n/v2/manage/namespaces/team/repos/a%24b/tags/\nlimit=10\nhost:swr-api.cn-north-4.myhuaweicloud.com\nx-sdk-date:20261124T100000Z\nx-security-token:SECRETTOKEN\n\nhost;x-sdk-date;x-security-token\ne3b0c442";
    const BAD_SIGNATURE: &str =
        "Incorrect IAM authentication information: verify aksk signature fail";

    fn time() -> Timestamp {
        "2026-11-24T10:00:00Z".parse().unwrap()
    }

    fn explain(message: &str) -> String {
        unauthorized(message, Some(OWN), time(), None).remedy
    }

    fn echoed(request: &str) -> String {
        format!(
            "{BAD_SIGNATURE}, canonicalRequest:{}",
            request.replace('\n', "|")
        )
    }

    #[test]
    fn a_request_that_arrived_as_it_was_signed_points_to_the_secret_key() {
        let explanation = unauthorized(&echoed(OWN), Some(OWN), time(), None);
        assert_eq!(explanation.message, BAD_SIGNATURE);
        let with_line_end = unauthorized(&(echoed(OWN) + "|"), Some(OWN), time(), None);
        assert_eq!(with_line_end, explanation);
        assert!(
            explanation.remedy.contains("the secret key is wrong"),
            "{}",
            explanation.remedy
        );
    }

    #[test]
    fn the_first_line_that_was_changed_is_named() {
        for (from, to, expected) in [
            (
                "GET\n",
                "HEAD\n",
                "the method differs: sent `GET`, the gateway saw `HEAD`",
            ),
            (
                "a%24b",
                "a/b",
                "the path differs: sent `/v2/manage/namespaces/team/repos/a%24b/tags/`, the gateway saw `/v2/manage/namespaces/team/repos/a/b/tags/`",
            ),
            (
                "limit=10",
                "",
                "the query differs: sent `limit=10`, the gateway saw nothing",
            ),
            (
                "swr-api.cn",
                "proxy.cn",
                "the header host differs: sent `host:swr-api.cn-north-4.myhuaweicloud.com`, the gateway saw `host:proxy.cn-north-4.myhuaweicloud.com`",
            ),
            (
                "e3b0c442",
                "00000000",
                "the hash of the body differs: sent `e3b0c442`, the gateway saw `00000000`",
            ),
        ] {
            let remedy = explain(&echoed(&OWN.replace(from, to)));
            assert!(remedy.ends_with(expected), "{remedy}");
        }
    }

    #[test]
    fn a_security_token_is_never_shown() {
        for changed in [
            OWN.replace("SECRETTOKEN", "OTHERTOKEN"),
            OWN.replace("x-security-token:SECRETTOKEN\n", ""),
        ] {
            let explanation = unauthorized(&echoed(&changed), Some(OWN), time(), None);
            assert!(
                explanation
                    .remedy
                    .contains("the header x-security-token differs")
            );
            for shown in [explanation.message, explanation.remedy] {
                assert!(!shown.contains("TOKEN"), "{shown}");
            }
        }
    }

    #[test]
    fn both_clocks_and_their_difference_are_told() {
        let message = "Incorrect IAM authentication information: calc aksk signature fail:signature expired, signature time:20211217T064303Z,server time:20211217T065804Z";
        assert_eq!(
            explain(message),
            "set the runner's clock: it is 15m 1s behind the server's (runner 2021-12-17T06:43:03Z, server 2021-12-17T06:58:04Z), and 15 minutes are allowed"
        );
        let by_header = unauthorized(
            BAD_SIGNATURE,
            Some(OWN),
            time(),
            Some("2026-11-24T09:40:00Z".parse().unwrap()),
        );
        assert!(
            by_header.remedy.contains("20m ahead of the server's"),
            "{}",
            by_header.remedy
        );
    }

    #[test]
    fn each_documented_refusal_has_a_remedy_of_its_own() {
        for (message, expected) in [
            (
                "Incorrect IAM authentication information: ak HSTXXX not exist",
                "the access key is unknown",
            ),
            (
                "Incorrect IAM authentication information: Get secretKey failed,ak:HSTXXX,err:ak not exist",
                "the access key is unknown",
            ),
            (
                "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden",
                "wait that long",
            ),
            (
                "Incorrect IAM authentication information: decrypt token fail",
                "get a new",
            ),
            (
                "Incorrect IAM authentication information: token expires, expires_at:2026",
                "get a new",
            ),
            (
                "Incorrect IAM authentication information: x-auth-token not found",
                "get a new",
            ),
            ("The token must be updated", "get a new"),
            (
                BAD_SIGNATURE,
                "check that `secret-key` belongs to `access-key`",
            ),
            ("something else", "check `access-key` and `secret-key`"),
        ] {
            let remedy = explain(message);
            assert!(remedy.contains(expected), "{message}: {remedy}");
        }
        let with_token = unauthorized("something else", None, time(), None);
        assert!(with_token.remedy.starts_with("check `auth-token`"));
    }

    #[test]
    fn a_missing_action_is_named() {
        let sync = "swr:repo:createManualSyncRepoJob";
        let remedy =
            |code: &str, message: &str| forbidden(code, message, Some(sync), "cn-north-4").remedy;
        assert!(
            remedy("SVCSTG.SWR.4030170", "Insufficient permissions")
                .starts_with(&format!("grant `{sync}`"))
        );
        let named = "User is not allowed: sts::createServiceBearerToken";
        assert!(
            remedy("SVCSTG.SWR.4030170", named)
                .starts_with("grant `sts::createServiceBearerToken`")
        );
        let policy = "Policy doesn't allow swr:repo:upload to be performed.";
        assert!(remedy("SVCSTG.SWR.4030170", policy).starts_with("grant `swr:repo:upload`"));
        assert!(
            remedy("APIGW.0802", "forbidden").starts_with("this user is not allowed in cn-north-4")
        );
        assert!(remedy("APIGW.0303", "x").contains("of an app"));
        assert!(remedy("", "").starts_with("grant"));
    }

    #[test]
    fn the_words_of_a_time_are_not_taken_for_an_action() {
        assert_eq!(
            named_action("at 10:00:00 the request http://a:b:c was refused"),
            None
        );
    }
}
