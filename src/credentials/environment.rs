//! Credentials in the environment, as other tools name them.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::credentials::{Agency, IdToken, Issuer, Job, Keys, Source};
use crate::inputs::Environment;

/// One tool's names for a key pair.
struct Family {
    from: &'static str,
    access_key: &'static str,
    secret_key: &'static str,
    security_token: &'static str,
}

/// First to last: the vendor's SDKs, its Terraform provider, its auth action.
const FAMILIES: [Family; 3] = [
    Family {
        from: "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
        access_key: "HUAWEICLOUD_SDK_AK",
        secret_key: "HUAWEICLOUD_SDK_SK",
        security_token: "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    },
    Family {
        from: "HW_ACCESS_KEY and HW_SECRET_KEY",
        access_key: "HW_ACCESS_KEY",
        secret_key: "HW_SECRET_KEY",
        security_token: "HW_SECURITY_TOKEN",
    },
    Family {
        from: "HUAWEI_CLOUD_ACCESS_KEY_ID and HUAWEI_CLOUD_SECRET_ACCESS_KEY",
        access_key: "HUAWEI_CLOUD_ACCESS_KEY_ID",
        secret_key: "HUAWEI_CLOUD_SECRET_ACCESS_KEY",
        security_token: "HUAWEI_CLOUD_SECURITY_TOKEN",
    },
];

/// The names of the vendor's SDKs for keyless ways, from `huaweicloudsdkcore` 3.1.215 on.
const PROVIDER_URN: &str = "HUAWEICLOUD_OIDC_PROVIDER_URN";
const AGENCY_URN: &str = "HUAWEICLOUD_OIDC_AGENCY_URN";
const ID_TOKEN: &str = "HUAWEICLOUD_OIDC_ID_TOKEN";
const TOKEN_FILE: &str = "HUAWEICLOUD_OIDC_TOKEN_FILE";
const SESSION_NAME: &str = "HUAWEICLOUD_OIDC_SESSION_NAME";
const DURATION_SECONDS: &str = "HUAWEICLOUD_OIDC_DURATION_SECONDS";
const POLICY: &str = "HUAWEICLOUD_OIDC_POLICY";
const POLICY_IDS: &str = "HUAWEICLOUD_OIDC_POLICY_IDS";

/// The value of a variable, trimmed; none where it is empty.
pub(super) fn value<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment
        .get(name)
        .map(|value| value.trim())
        .filter(|value| !value.is_empty())
}

/// The secrets in all variables that may hold one, used or not.
pub(super) fn secrets(environment: &Environment) -> impl Iterator<Item = SecretString> {
    FAMILIES
        .iter()
        .flat_map(|family| [family.secret_key, family.security_token])
        .chain([ID_TOKEN, Issuer::TOKEN])
        .filter_map(|name| value(environment, name))
        .map(SecretString::from)
}

/// The access keys in all variables that may hold one, used or not.
pub(super) fn access_keys(environment: &Environment) -> impl Iterator<Item = String> {
    FAMILIES
        .iter()
        .filter_map(|family| value(environment, family.access_key))
        .map(str::to_owned)
}

/// The first complete source. What is passed over on the way there is warned of.
pub(super) fn find(
    environment: &Environment,
    audience: &str,
    warnings: &mut Vec<String>,
) -> Option<Source> {
    FAMILIES
        .iter()
        .find_map(|family| keys(family, environment, warnings))
        .or_else(|| agency(environment, audience, warnings).map(Source::Agency))
}

fn keys(family: &Family, environment: &Environment, warnings: &mut Vec<String>) -> Option<Source> {
    let (access_key, secret_key) =
        pair(environment, family.access_key, family.secret_key, warnings)?;
    let security_token = value(environment, family.security_token);
    let values = [
        (family.access_key, Some(access_key)),
        (family.secret_key, Some(secret_key)),
        (family.security_token, security_token),
    ];
    let broken = values
        .iter()
        .find(|(_, value)| value.is_some_and(|value| value.contains(char::is_whitespace)));
    if let Some((name, _)) = broken {
        warnings.push(format!(
            "{name} has white space inside (was it pasted with a line break?); {} are passed over",
            family.from
        ));
        return None;
    }
    Some(Source::Keys {
        from: family.from,
        keys: Keys {
            access_key: access_key.to_owned(),
            secret_key: SecretString::from(secret_key),
            security_token: security_token.map(SecretString::from),
        },
    })
}

/// Both values, or a warning where only one is there.
fn pair<'a>(
    environment: &'a Environment,
    first: &str,
    second: &str,
    warnings: &mut Vec<String>,
) -> Option<(&'a str, &'a str)> {
    match (value(environment, first), value(environment, second)) {
        (Some(first), Some(second)) => Some((first, second)),
        (None, None) => None,
        (Some(_), None) => {
            warnings.push(format!(
                "{first} is set without {second}; it is passed over"
            ));
            None
        }
        (None, Some(_)) => {
            warnings.push(format!(
                "{second} is set without {first}; it is passed over"
            ));
            None
        }
    }
}

fn agency(environment: &Environment, audience: &str, warnings: &mut Vec<String>) -> Option<Agency> {
    let (provider_urn, agency_urn) = pair(environment, PROVIDER_URN, AGENCY_URN, warnings)?;
    let id_token = match (value(environment, ID_TOKEN), value(environment, TOKEN_FILE)) {
        (Some(token), _) => IdToken::Given(SecretString::from(token)),
        (None, Some(path)) => IdToken::File {
            from: TOKEN_FILE,
            path: PathBuf::from(path),
        },
        (None, None) => IdToken::of_job(environment, audience),
    };
    let session_name = match value(environment, SESSION_NAME) {
        Some(name) => crate::credentials::job::session_name_from(name),
        None => Job::session_name(environment),
    };
    let duration_seconds =
        value(environment, DURATION_SECONDS).map_or(Agency::DURATION_SECONDS, |text| {
            match text.parse() {
                Ok(seconds) if Agency::DURATIONS.contains(&seconds) => seconds,
                _ => {
                    warnings.push(format!(
                        "{DURATION_SECONDS} is not a whole number from {} to {}; {} is taken",
                        Agency::DURATIONS.start(),
                        Agency::DURATIONS.end(),
                        Agency::DURATION_SECONDS,
                    ));
                    Agency::DURATION_SECONDS
                }
            }
        });
    let policy_ids = value(environment, POLICY_IDS).unwrap_or_default();
    Some(Agency {
        provider_urn: provider_urn.to_owned(),
        agency_urn: agency_urn.to_owned(),
        session_name,
        duration_seconds,
        policy: value(environment, POLICY).map(str::to_owned),
        policy_ids: policy_ids
            .split(',')
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
            .collect(),
        id_token,
    })
}
