//! Credentials whenever they are needed: fetched once, kept, and renewed before they expire.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::config::Config;
use crate::credentials::exchange::Exchange;
use crate::credentials::{Credentials, Source, ecs, sts};
use crate::event::{Event, Events, Level};
use crate::outcome::{Exit, Failure};

/// Credentials are renewed when they have less than this left: enough for the longest request, and for a clock that is
/// some minutes off. Those that live shorter than twice as long are renewed at half their life.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);

/// After an attempt that failed, the next one waits this long.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Credentials as a service issued them.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    pub credentials: Credentials,
    /// None where nobody knows.
    pub expires: Option<Timestamp>,
}

/// The services that issue credentials, and how they are reached.
#[derive(Clone, Debug)]
pub struct Services {
    /// The client of the run.
    pub http: reqwest::Client,
    /// The address of STS, without a slash at its end.
    pub sts: String,
    /// The address of IAM, without a slash at its end.
    pub iam: String,
    /// Further tries of one request.
    pub retries: u32,
}

impl Services {
    /// Those that the inputs say.
    pub fn of(config: &Config, http: reqwest::Client) -> Self {
        let connection = &config.connection;
        Self {
            http,
            sts: sts::address(connection.sts_endpoint.as_ref(), &config.region),
            iam: connection.iam_endpoint.address(&config.region),
            retries: config.calls.retries,
        }
    }
}

/// Gives the credentials of one source for a run.
#[derive(Debug)]
pub struct Provider {
    source: Source,
    services: Services,
    clock: Clock,
    state: Mutex<State>,
}

/// What is known of the credentials. The lock around it is held while they are fetched, so that they are fetched once
/// however many requests wait for them.
#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    failed: Option<Failed>,
}

/// Credentials that were fetched.
#[derive(Debug)]
struct Held {
    issued: Issued,
    /// None where they do not expire, as far as anybody knows.
    renew_at: Option<Timestamp>,
}

/// The last attempt, if it failed.
#[derive(Debug)]
struct Failed {
    failure: Failure,
    retry_at: Timestamp,
}

impl Held {
    fn new(issued: Issued, now: Timestamp) -> Self {
        let renew_at = issued.expires.map(|expires| {
            let life = expires.duration_since(now);
            expires - MARGIN.min(life / 2).max(SignedDuration::ZERO)
        });
        Self { issued, renew_at }
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.renew_at.is_none_or(|renew_at| now < renew_at)
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.issued.expires.is_none_or(|expires| now < expires)
    }
}

impl Provider {
    /// Prepares to fetch; nothing is sent yet.
    pub fn new(source: Source, services: Services, clock: Clock) -> Self {
        Self {
            source,
            services,
            clock,
            state: Mutex::default(),
        }
    }

    /// The credentials to use now. They are fetched on first use and renewed some minutes before they expire. What is
    /// fetched is announced to `events` before anything else is; what was given,
    /// [`announcements`](crate::credentials::announcements) has told before.
    ///
    /// # Errors
    /// Why there are none. A renewal that fails is no error while the old credentials are valid.
    pub async fn current(&self, events: Events<'_>) -> Result<Credentials, Failure> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        let is_fresh = state.held.as_ref().is_some_and(|held| held.is_fresh(now));
        let may_try = state
            .failed
            .as_ref()
            .is_none_or(|failed| now >= failed.retry_at);
        if !is_fresh && may_try {
            let fetched = self.fetch(events).await;
            let now = self.clock.now();
            match fetched.and_then(|issued| unexpired(Held::new(issued, now), now)) {
                Ok(held) => {
                    self.log(&held.issued, state.held.is_some(), events);
                    state.held = Some(held);
                    state.failed = None;
                }
                Err(failure) => {
                    if state.held.as_ref().is_some_and(|held| held.is_valid(now)) {
                        let message = format!(
                            "credentials could not be renewed; the old ones are used while they last: {failure}"
                        );
                        events(Event::Log(Level::Warn, message));
                    }
                    state.failed = Some(Failed {
                        failure,
                        retry_at: now + PAUSE,
                    });
                }
            }
        }
        let now = self.clock.now();
        match (&state.held, &state.failed) {
            (Some(held), _) if held.is_valid(now) => Ok(held.issued.credentials.clone()),
            (_, Some(failed)) => Err(failed.failure.clone()),
            (_, None) => Err(expired(now)),
        }
    }

    async fn fetch(&self, events: Events<'_>) -> Result<Issued, Failure> {
        let exchange = Exchange {
            http: &self.services.http,
            retries: self.services.retries,
            clock: self.clock,
            events,
        };
        let given = |credentials| Issued {
            credentials,
            expires: None,
        };
        match &self.source {
            Source::Keys { keys, .. } => Ok(given(Credentials::Keys(keys.clone()))),
            Source::Token(token) => Ok(given(Credentials::Token(token.clone()))),
            Source::Agency(agency) => agency.assume(&self.services.sts, &exchange).await,
            Source::IdentityProvider(provider) => {
                provider.token(&self.services.iam, &exchange).await
            }
            Source::EcsAgency => ecs::keys(ecs::ADDRESS, &exchange).await,
        }
    }

    fn log(&self, issued: &Issued, is_renewal: bool, events: Events<'_>) {
        let what = if is_renewal {
            "renewed credentials"
        } else {
            "credentials"
        };
        let until = match issued.expires {
            Some(expires) => format!(", valid until {expires:.0}"),
            None => String::new(),
        };
        let message = format!("{what}: {}{until}", self.source);
        events(Event::Log(Level::Info, message));
    }
}

/// Refuses what has expired on arrival.
fn unexpired(held: Held, now: Timestamp) -> Result<Held, Failure> {
    if held.is_valid(now) {
        Ok(held)
    } else {
        Err(expired(now))
    }
}

fn expired(now: Timestamp) -> Failure {
    let message = format!("the credentials have expired, by the runner's clock ({now:.0})");
    Failure::new(
        Exit::NotAllowed,
        message,
        Some("is the runner's clock right?"),
    )
}

impl fmt::Display for Source {
    /// For the log: where the credentials come from, and nothing secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys { from, keys } => {
                let kind = match keys.security_token {
                    Some(_) => "temporary keys",
                    None => "keys",
                };
                write!(f, "{kind} from {from}")
            }
            Self::Token(_) => f.write_str("the token in the input `auth-token`"),
            Self::Agency(agency) => {
                write!(f, "temporary keys of agency `{}` from STS", agency.name())
            }
            Self::IdentityProvider(provider) => write!(
                f,
                "a token from IAM for project {} through identity provider `{}`",
                provider.project_id, provider.id
            ),
            Self::EcsAgency => f.write_str("temporary keys of the ECS host's agency"),
        }
    }
}

#[cfg(test)]
mod tests;
