//! The choice of the source of credentials. Sources are never mixed: among the inputs only one may be complete,
//! so that adding OIDC never leaves old keys in use unnoticed.

use secrecy::{ExposeSecret, SecretString};

use crate::config::flag;
use crate::credentials::{Agency, IdToken, IdentityProvider, Job, Keys, Source, environment};
use crate::inputs::{Environment, InputProblem, Inputs, default};

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
    let audience = inputs
        .raw
        .oidc_audience
        .as_deref()
        .unwrap_or(default("oidc-audience"));
    let mut reader = Reader {
        inputs,
        problems: Vec::new(),
    };
    reader.refuse_white_space();
    let given = [
        reader.keys(),
        reader.token(),
        reader.agency(environment, audience),
        reader.identity_provider(environment, audience),
        reader.ecs_agency(),
    ];
    let mut sources: Vec<Given> = given.into_iter().flatten().collect();
    reader.refuse_several(&sources);
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let mut warnings = Vec::new();
    let given = sources.pop().map(|given| given.source);
    let takes_id_token = matches!(given, Some(Source::Agency(_) | Source::IdentityProvider(_)));
    if inputs.raw.oidc_token.is_some() && !takes_id_token {
        warnings.push(
            "`oidc-token` is not used: it needs `oidc-provider-urn` and `oidc-agency-urn`, or `oidc-idp-id`"
                .to_owned(),
        );
    }
    let source = given.or_else(|| environment::find(environment, audience, &mut warnings));
    if let Some(Source::Keys { from, keys }) = &source
        && keys.security_token.is_none()
        && keys.access_key.starts_with("HST")
    {
        warnings.push(format!(
            "the access key in {from} looks temporary (HST…), but no security token is given"
        ));
    }
    Ok(Chosen { source, warnings })
}

/// A complete source, and the input that stands for it in messages.
struct Given {
    input: &'static str,
    source: Source,
}

/// Reads the sources and collects what is wrong with them.
struct Reader<'a> {
    inputs: &'a Inputs,
    problems: Vec<InputProblem>,
}

impl Reader<'_> {
    fn problem(&mut self, name: &'static str, message: impl Into<String>) {
        self.problems.push(self.inputs.problem(name, message));
    }

    fn missing(&mut self, name: &'static str, beside: &str) {
        self.problem(name, format!("it is missing beside {beside}"));
    }

    /// None of these values may have any, and a secret pasted with a line break is hard to see.
    fn refuse_white_space(&mut self) {
        let raw = &self.inputs.raw;
        let secret = |value: &Option<SecretString>| {
            value
                .as_ref()
                .is_some_and(|value| value.expose_secret().contains(char::is_whitespace))
        };
        let plain = |value: &Option<String>| {
            value
                .as_ref()
                .is_some_and(|value| value.contains(char::is_whitespace))
        };
        let broken = [
            ("access-key", plain(&raw.access_key)),
            ("secret-key", secret(&raw.secret_key)),
            ("security-token", secret(&raw.security_token)),
            ("auth-token", secret(&raw.auth_token)),
            ("oidc-provider-urn", plain(&raw.oidc_provider_urn)),
            ("oidc-agency-urn", plain(&raw.oidc_agency_urn)),
            ("oidc-idp-id", plain(&raw.oidc_idp_id)),
            ("oidc-token", secret(&raw.oidc_token)),
        ];
        for (name, _) in broken.into_iter().filter(|(_, broken)| *broken) {
            self.problem(
                name,
                "it has white space inside; was it pasted with a line break?",
            );
        }
    }

    fn refuse_several(&mut self, sources: &[Given]) {
        if sources.len() < 2 {
            return;
        }
        for own in sources {
            let others: Vec<String> = sources
                .iter()
                .filter(|other| other.input != own.input)
                .map(|other| format!("`{}`", other.input))
                .collect();
            let message = format!(
                "{} is given as well; give one way to authenticate, not several",
                others.join(" and ")
            );
            self.problem(own.input, message);
        }
    }

    fn keys(&mut self) -> Option<Given> {
        let raw = &self.inputs.raw;
        match (&raw.access_key, &raw.secret_key) {
            (Some(access_key), Some(secret_key)) => {
                let keys = Keys {
                    access_key: access_key.clone(),
                    secret_key: secret_key.clone(),
                    security_token: raw.security_token.clone(),
                };
                return Some(Given {
                    input: "access-key",
                    source: Source::Keys {
                        from: "the inputs `access-key` and `secret-key`",
                        keys,
                    },
                });
            }
            (Some(_), None) => self.missing("secret-key", "`access-key`"),
            (None, Some(_)) => self.missing("access-key", "`secret-key`"),
            (None, None) if raw.security_token.is_some() => {
                self.missing("access-key", "`security-token`, as is `secret-key`");
            }
            (None, None) => {}
        }
        None
    }

    fn token(&self) -> Option<Given> {
        let token = self.inputs.raw.auth_token.clone()?;
        Some(Given {
            input: "auth-token",
            source: Source::Token(token),
        })
    }

    fn agency(&mut self, environment: &Environment, audience: &str) -> Option<Given> {
        let raw = &self.inputs.raw;
        match (&raw.oidc_provider_urn, &raw.oidc_agency_urn) {
            (Some(provider_urn), Some(agency_urn)) => {
                if provider_urn.contains(":agency:") && agency_urn.contains(":oidcProvider:") {
                    let message = "the URNs of provider and agency are swapped";
                    self.problem("oidc-provider-urn", message);
                }
                let agency = Agency {
                    provider_urn: provider_urn.clone(),
                    agency_urn: agency_urn.clone(),
                    session_name: Job::session_name(environment),
                    duration_seconds: Agency::DURATION_SECONDS,
                    policy: None,
                    policy_ids: Vec::new(),
                    id_token: self.id_token(environment, audience),
                };
                return Some(Given {
                    input: "oidc-provider-urn",
                    source: Source::Agency(agency),
                });
            }
            (Some(_), None) => self.missing("oidc-agency-urn", "`oidc-provider-urn`"),
            (None, Some(_)) => self.missing("oidc-provider-urn", "`oidc-agency-urn`"),
            (None, None) => {}
        }
        None
    }

    fn identity_provider(&mut self, environment: &Environment, audience: &str) -> Option<Given> {
        let raw = &self.inputs.raw;
        let id = raw.oidc_idp_id.as_ref()?;
        let Some(project_id) = &raw.project_id else {
            self.missing(
                "project-id",
                "`oidc-idp-id`; it is the id of the source region's project (console, My Credentials)",
            );
            return None;
        };
        if !id.chars().all(|character| character.is_ascii_graphic()) {
            self.problem(
                "oidc-idp-id",
                "it may have ASCII letters, digits and signs only",
            );
        }
        Some(Given {
            input: "oidc-idp-id",
            source: Source::IdentityProvider(IdentityProvider {
                id: id.clone(),
                project_id: project_id.clone(),
                id_token: self.id_token(environment, audience),
            }),
        })
    }

    fn ecs_agency(&mut self) -> Option<Given> {
        match flag(self.inputs.raw.ecs_agency.as_ref()?) {
            Ok(true) => Some(Given {
                input: "ecs-agency",
                source: Source::EcsAgency,
            }),
            Ok(false) => None,
            Err(message) => {
                self.problem("ecs-agency", message);
                None
            }
        }
    }

    fn id_token(&self, environment: &Environment, audience: &str) -> IdToken {
        match &self.inputs.raw.oidc_token {
            Some(token) => IdToken::Given(token.clone()),
            None => IdToken::of_job(environment, audience),
        }
    }
}

#[cfg(test)]
mod tests;
