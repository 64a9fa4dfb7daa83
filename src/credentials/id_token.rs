//! The id token of the job: where it comes from, and what it says.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::ci::Ci;
use crate::credentials::environment::value;
use crate::credentials::exchange::{Answer, Exchange};
use crate::credentials::job::Job;
use crate::event::Event;
use crate::inputs::Environment;
use crate::outcome::{Exit, Failure};

/// Where an id token comes from.
#[derive(Clone, Debug)]
pub enum IdToken {
    /// It was given.
    Given(SecretString),
    /// It lies in a file, which is read each time: whoever writes it renews it.
    File {
        /// The variable that names the file.
        from: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The CI issues it on request.
    Issued(Issuer),
    /// There is none.
    Absent(Job),
}

/// The token issuer of the CI, as the platform gives it.
#[derive(Clone, Debug)]
pub struct Issuer {
    url: String,
    bearer: SecretString,
    audience: String,
}

/// The most that STS takes as an id token.
const LONGEST_TOKEN: u64 = 20_000;

/// The service in messages.
const WHAT: &str = "the CI's token issuer";

impl Issuer {
    /// The variable with the token that asks for an id token; a secret.
    pub(super) const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
    const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";

    fn of_job(environment: &Environment, audience: &str) -> Option<Self> {
        Some(Self {
            url: value(environment, Self::URL)?.to_owned(),
            bearer: SecretString::from(value(environment, Self::TOKEN)?),
            audience: audience.to_owned(),
        })
    }

    /// The address to ask. The one given has a query already.
    fn address(&self) -> Result<Url, Failure> {
        let audience = utf8_percent_encode(&self.audience, NON_ALPHANUMERIC);
        let joint = if self.url.contains('?') { '&' } else { '?' };
        Url::parse(&format!("{}{joint}audience={audience}", self.url)).map_err(|error| {
            let message = format!("{} is not an address: {error}", Self::URL);
            Failure::new(Exit::NotAllowed, message, None)
        })
    }

    async fn ask(&self, exchange: &Exchange<'_>) -> Result<SecretString, Failure> {
        let address = self.address()?;
        let answer = exchange
            .send(WHAT, &[], |http| {
                http.get(address.clone())
                    .bearer_auth(self.bearer.expose_secret())
            })
            .await?;
        if answer.status != 200 {
            return Err(self.refused(&answer));
        }
        let IssuedToken { value } = answer.json(WHAT)?;
        if value.is_empty() {
            return Err(answer.unreadable(WHAT));
        }
        Ok(SecretString::from(value))
    }

    fn refused(&self, answer: &Answer) -> Failure {
        answer.failure(
            &format!(
                "{WHAT} gives no id token for the audience `{}`",
                self.audience
            ),
            answer.exit(),
            "is `id-token: write` among the permissions of the job, and is the job still running?"
                .to_owned(),
        )
    }
}

/// The answer of the issuer.
#[derive(Deserialize)]
struct IssuedToken {
    value: String,
}

impl IdToken {
    /// The id token that the CI issues to this job, or why there is none.
    pub(super) fn of_job(environment: &Environment, audience: &str) -> Self {
        Issuer::of_job(environment, audience)
            .map_or_else(|| Self::Absent(Job::of(environment)), Self::Issued)
    }

    /// The token itself, announced where it was not known before.
    ///
    /// # Errors
    /// There is none, or the issuer gives none.
    pub(super) async fn obtain(&self, exchange: &Exchange<'_>) -> Result<SecretString, Failure> {
        let token = match self {
            Self::Given(token) => return Ok(token.clone()),
            Self::File { from, path } => read_file(from, path)?,
            Self::Issued(issuer) => issuer.ask(exchange).await?,
            Self::Absent(job) => return Err(absent(job)),
        };
        (exchange.events)(Event::Secret(token.clone()));
        Ok(token)
    }
}

fn read_file(from: &str, path: &Path) -> Result<SecretString, Failure> {
    let problem = |message: String| {
        let message = format!("the file that {from} names {message}");
        Failure::new(Exit::NotAllowed, message, None)
    };
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST_TOKEN + 1).read_to_string(&mut text))
        .map_err(|error| problem(format!("cannot be read: {error}")))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(problem("is empty".to_owned()));
    }
    if token.len() as u64 > LONGEST_TOKEN {
        return Err(problem(format!(
            "is longer than {LONGEST_TOKEN} characters"
        )));
    }
    Ok(SecretString::from(token))
}

fn absent(job: &Job) -> Failure {
    let (message, remedy) = match job.ci {
        Ci::GitHub if job.is_from_fork() => (
            "there is no id token: a pull request from a fork started this job, and such jobs get none",
            "sync when the change has been merged (`on: push`), or leave this step out with `if: github.event.pull_request.head.repo.full_name == github.repository`",
        ),
        Ci::GitHub => (
            "there is no id token: the job has no permission to ask for one (ACTIONS_ID_TOKEN_REQUEST_URL is not set)",
            "add `permissions: {id-token: write, contents: read}` to the job; a reusable workflow needs it in the calling job as well, and a `docker run` of your own has to pass the ACTIONS_ID_TOKEN_REQUEST variables on",
        ),
        Ci::Forgejo => (
            "there is no id token: the job may not ask for one (ACTIONS_ID_TOKEN_REQUEST_URL is not set)",
            "add `enable-openid-connect: true` at the top of the workflow; older Forgejo has no id tokens",
        ),
        Ci::Gitea => (
            "there is no id token: this Gitea gives the job none (ACTIONS_ID_TOKEN_REQUEST_URL is not set)",
            "add `permissions: {id-token: write}` to the job; Gitea without support for it needs `access-key` and `secret-key`",
        ),
        Ci::GitLab => (
            "there is no id token: `oidc-token` is empty",
            "add `id_tokens: {INPUT_OIDC_TOKEN: {aud: sts.huaweicloud.com}}` to the job",
        ),
        Ci::CircleCi => (
            "there is no id token: `oidc-token` is empty",
            "give `oidc-token` the value `$CIRCLE_OIDC_TOKEN_V2`",
        ),
        _ => (
            "there is no id token: `oidc-token` is empty, and this CI issues none on request",
            "give `oidc-token` the id token of your CI where it has one, or use `access-key` and `secret-key`",
        ),
    };
    Failure::new(Exit::NotAllowed, message, Some(remedy))
}

/// What an id token says of the job. It is not verified; it only helps to explain a refusal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Claims {
    issuer: Option<String>,
    audience: Option<String>,
    subject: Option<String>,
    expires: Option<Timestamp>,
}

impl Claims {
    /// The claims of a token; none of them where it cannot be read.
    pub(super) fn of(token: &SecretString) -> Self {
        let payload = token.expose_secret().split('.').nth(1).unwrap_or_default();
        let payload: Value = URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let text = |name: &str| match payload.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(texts) => {
                let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
                Some(texts.join(", "))
            }
            _ => None,
        };
        Self {
            issuer: text("iss"),
            audience: text("aud"),
            subject: text("sub"),
            expires: payload
                .get("exp")
                .and_then(Value::as_i64)
                .and_then(|seconds| Timestamp::from_second(seconds).ok()),
        }
    }

    /// The audience, in words.
    pub(super) fn audience(&self) -> &str {
        self.audience.as_deref().unwrap_or("(none)")
    }

    /// The claims that a trust policy compares, in words.
    pub(super) fn describe(&self) -> String {
        let say = |name: &str, value: &Option<String>| {
            format!("{name} `{}`", value.as_deref().unwrap_or("(none)"))
        };
        format!(
            "{}, {} and {}",
            say("iss", &self.issuer),
            say("aud", &self.audience),
            say("sub", &self.subject)
        )
    }

    /// Whether the token has expired, by its own words or those of the service: what happened, and what to do about it.
    pub(super) fn expiry(
        &self,
        what: &str,
        said: &str,
        now: Timestamp,
    ) -> Option<(String, String)> {
        let message = match self.expires.filter(|expires| *expires <= now) {
            Some(expires) => format!("{what} refused an id token that expired at {expires:.0}"),
            None if said.contains("expire") => format!("{what} says that the id token has expired"),
            None => return None,
        };
        let remedy = format!(
            "take the id token in the job that syncs, at its start; is the runner's clock right? It says {now:.0}"
        );
        Some((message, remedy))
    }
}

#[cfg(test)]
mod tests;
