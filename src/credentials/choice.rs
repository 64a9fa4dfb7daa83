//! The choice of the source of credentials. Sources are never mixed: among the inputs only one may be complete,
//! so that adding OIDC never leaves old keys in use unnoticed.

use secrecy::{ExposeSecret, SecretString};

use crate::credentials::{Keys, Source};
use crate::inputs::{Environment, InputProblem, Inputs};

/// The source, if any, and what is odd about the others.
#[derive(Debug, Default)]
pub struct Chosen {
    /// The source; none where nothing complete was found.
    pub source: Option<Source>,
    /// For the log.
    pub warnings: Vec<String>,
}

/// Chooses among the inputs, else in the environment of other tools.
///
/// # Errors
/// Half a source, or two, among the inputs.
pub fn choose(inputs: &Inputs, environment: &Environment) -> Result<Chosen, Vec<InputProblem>> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let mut sources: Vec<(&'static str, Source)> = Vec::new();
    let raw = &inputs.raw;
    match (&raw.access_key, &raw.secret_key) {
        (Some(access_key), Some(secret_key)) => {
            let mut check = |name: &'static str, value: &str| {
                if value.contains(char::is_whitespace) {
                    problems.push(inputs.problem(
                        name,
                        "it has white space inside; was it pasted with a line break?",
                    ));
                }
            };
            check("access-key", access_key);
            check("secret-key", secret_key.expose_secret());
            if let Some(token) = &raw.security_token {
                check("security-token", token.expose_secret());
            }
            let keys = Keys {
                access_key: access_key.clone(),
                secret_key: secret_key.clone(),
                security_token: raw.security_token.clone(),
            };
            sources.push((
                "access-key",
                Source::Keys {
                    from: "the inputs `access-key` and `secret-key`",
                    keys,
                },
            ));
        }
        (Some(_), None) => {
            problems.push(inputs.problem("secret-key", "it is missing beside `access-key`"));
        }
        (None, Some(_)) => {
            problems.push(inputs.problem("access-key", "it is missing beside `secret-key`"));
        }
        (None, None) if raw.security_token.is_some() => {
            problems.push(inputs.problem(
                "access-key",
                "it is missing beside `security-token`, as is `secret-key`",
            ));
        }
        (None, None) => {}
    }
    if let Some(token) = &raw.auth_token {
        sources.push(("auth-token", Source::Token(token.clone())));
    }
    if let [(first, _), (second, _), ..] = &sources[..] {
        let message = format!("`{first}` is given as well; give one way to authenticate, not two");
        problems.push(inputs.problem(second, message));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let source = sources
        .pop()
        .map(|(_, source)| source)
        .or_else(|| from_environment(environment, &mut warnings));
    if let Some(Source::Keys { keys, .. }) = &source
        && keys.security_token.is_none()
        && keys.access_key.starts_with("HST")
    {
        warnings.push(
            "the access key looks temporary (HST…), but no security token is given".to_owned(),
        );
    }
    Ok(Chosen { source, warnings })
}

/// The names of other tools, first to last: the vendor's SDKs, its Terraform provider, its auth action.
const FAMILIES: [(&str, [&str; 3]); 3] = [
    (
        "HUAWEICLOUD_SDK_AK and _SK",
        [
            "HUAWEICLOUD_SDK_AK",
            "HUAWEICLOUD_SDK_SK",
            "HUAWEICLOUD_SDK_SECURITY_TOKEN",
        ],
    ),
    (
        "HW_ACCESS_KEY and HW_SECRET_KEY",
        ["HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN"],
    ),
    (
        "HUAWEI_CLOUD_ACCESS_KEY_ID and _SECRET_ACCESS_KEY",
        [
            "HUAWEI_CLOUD_ACCESS_KEY_ID",
            "HUAWEI_CLOUD_SECRET_ACCESS_KEY",
            "HUAWEI_CLOUD_SECURITY_TOKEN",
        ],
    ),
];

fn from_environment(environment: &Environment, warnings: &mut Vec<String>) -> Option<Source> {
    for (from, [access_key, secret_key, security_token]) in FAMILIES {
        let value = |name: &str| {
            environment
                .get(name)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        match (value(access_key), value(secret_key)) {
            (Some(access), Some(secret)) => {
                let keys = Keys {
                    access_key: access.to_owned(),
                    secret_key: SecretString::from(secret),
                    security_token: value(security_token).map(SecretString::from),
                };
                return Some(Source::Keys { from, keys });
            }
            (Some(_), None) => warnings.push(format!(
                "{access_key} is set without {secret_key}; both are passed over"
            )),
            (None, Some(_)) => warnings.push(format!(
                "{secret_key} is set without {access_key}; both are passed over"
            )),
            (None, None) => {}
        }
    }
    None
}
