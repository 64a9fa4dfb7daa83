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

/// Credentials are renewed when they have less than this left: enough for the longest request and a clock that is
/// some minutes off, and less than the shortest life that STS gives.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);

/// After an attempt to fetch credentials, whatever its end, the next one waits this long.
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
    held: Option<Issued>,
    /// Why the last attempt failed.
    failure: Option<Failure>,
    /// No attempt is made before this.
    not_before: Option<Timestamp>,
}

impl State {
    /// Those held, if they are valid at a time.
    fn valid(&self, time: Timestamp) -> Option<&Credentials> {
        self.held
            .as_ref()
            .filter(|held| held.expires.is_none_or(|expires| time < expires))
            .map(|held| &held.credentials)
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

    /// The credentials to use now. They are fetched on first use and renewed some minutes before they expire; secrets
    /// are announced to `events` before anything else is.
    ///
    /// # Errors
    /// Why there are none. A renewal that fails is no error while the old credentials are valid.
    pub async fn current(&self, events: Events<'_>) -> Result<Credentials, Failure> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        if let Some(credentials) = state.valid(now + MARGIN) {
            return Ok(credentials.clone());
        }
        if state.not_before.is_none_or(|time| now >= time) {
            match self.fetch(events).await {
                Ok(issued) => {
                    self.log(&issued, state.held.is_some(), events);
                    state.held = Some(issued);
                    state.failure = None;
                }
                Err(failure) => {
                    if state.valid(self.clock.now()).is_some() {
                        let message = format!(
                            "credentials could not be renewed, the old ones are used on: {failure}"
                        );
                        events(Event::Log(Level::Warn, message));
                    }
                    state.failure = Some(failure);
                }
            }
            state.not_before = Some(self.clock.now() + PAUSE);
        }
        match (state.valid(self.clock.now()), &state.failure) {
            (Some(credentials), _) => Ok(credentials.clone()),
            (None, Some(failure)) => Err(failure.clone()),
            (None, None) => Err(self.expired()),
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
            Source::Keys { keys, .. } => {
                keys.announce(events);
                Ok(given(Credentials::Keys(keys.clone())))
            }
            Source::Token(token) => {
                events(Event::Secret(token.clone()));
                Ok(given(Credentials::Token(token.clone())))
            }
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

    /// That a service issues credentials that have expired already.
    fn expired(&self) -> Failure {
        let message = format!(
            "the credentials have expired already by the clock of the runner ({:.0})",
            self.clock.now()
        );
        Failure::new(
            Exit::NotAllowed,
            message,
            Some("is the runner's clock right?"),
        )
    }
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
                write!(f, "temporary keys from STS for {}", agency.agency_urn)
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
