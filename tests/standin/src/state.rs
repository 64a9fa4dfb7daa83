//! The live state: the world as it has become, the log, and who is locked out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::answer::Answer;
use crate::credential::{AccessKey, Holder};
use crate::fault::{ConnectionFault, Delivery, Fault, Reply, When};
use crate::id_token::Claims;
use crate::identity::Issuer;
use crate::jobs::{Asked, Jobs};
use crate::record::{Counters, Request};
use crate::route::Route;
use crate::signature::sha256_hex;
use crate::sync::{Sync, SyncRule};
use crate::world::World;
use crate::{authentication, control, iam, id_token, platform, sts, swr};

/// What to send for a request, and how.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) answer: Answer,
    pub(crate) delivery: Delivery,
    pub(crate) delay: Duration,
    /// Of the request, to be told to [`State::answered`].
    pub(crate) number: Option<u64>,
}

impl Delivered {
    fn whole(answer: Answer) -> Self {
        Self {
            answer,
            delivery: Delivery::Whole,
            delay: Duration::ZERO,
            number: None,
        }
    }
}

/// Everything that changes while the stand-in runs.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) jobs: Jobs,
    pub(crate) rules: Vec<(SyncRule, HashMap<Asked, u32>)>,
    pub(crate) faults: Vec<(Fault, u64)>,
    pub(crate) connection_faults: Vec<(ConnectionFault, When)>,
    pub(crate) lockouts: authentication::Lockouts,
    /// Tokens of the metadata service that were given.
    pub(crate) metadata_tokens: Vec<String>,
    pub(crate) log: Vec<Request>,
    pub(crate) counters: Counters,
    pub(crate) clock_offset: SignedDuration,
    pub(crate) latency: Duration,
    /// Whether the log is kept.
    pub(crate) keeps_log: bool,
    /// The root of the certificates.
    pub(crate) ca_pem: String,
    started: Instant,
    /// Where tags that say nothing of their age were pushed.
    pub(crate) born: Timestamp,
}

impl State {
    pub(crate) fn new(world: World, ca_pem: String) -> Self {
        let mut state = Self {
            world: World::empty(),
            jobs: Jobs::default(),
            rules: Vec::new(),
            faults: Vec::new(),
            connection_faults: Vec::new(),
            lockouts: authentication::Lockouts::default(),
            metadata_tokens: Vec::new(),
            log: Vec::new(),
            counters: Counters::default(),
            clock_offset: SignedDuration::ZERO,
            latency: Duration::ZERO,
            keeps_log: true,
            ca_pem,
            started: Instant::now(),
            born: system_time(),
        };
        state.begin(world);
        state
    }

    /// Begins with another world, whose jobs are those of earlier days alone.
    pub(crate) fn begin(&mut self, world: World) {
        self.jobs = Jobs::default();
        for job in &world.jobs {
            let asked = Asked {
                region: job.region.clone(),
                namespace: job.namespace.clone(),
                repository: job.repository.clone(),
                tag: job.tag.clone(),
                remote_region: job.remote_region.clone(),
                remote_namespace: job.remote_namespace.clone(),
                overriding: false,
            };
            self.jobs
                .add_earlier(asked, &job.status, self.born - job.age);
        }
        self.world = world;
    }

    /// An id token of the world's issuer.
    pub(crate) fn id_token(&self, subject: &str, audience: &str) -> String {
        let now = self.now();
        let Issuer {
            issuer, lifetime, ..
        } = &self.world.issuer;
        let claims = Claims {
            issuer: issuer.clone(),
            subject: subject.to_owned(),
            audience: audience.to_owned(),
            expires: now + *lifetime,
        };
        id_token::issue(&claims, now)
    }

    /// The time by the service's clock.
    pub(crate) fn now(&self) -> Timestamp {
        system_time() + self.clock_offset
    }

    /// Counts a connection; the fault that meets it, if any.
    pub(crate) fn connected(&mut self) -> (u64, Option<ConnectionFault>) {
        self.counters.connections += 1;
        let number = self.counters.connections;
        let fault = self
            .connection_faults
            .iter()
            .find(|(_, when)| when.is_turn(number));
        (number, fault.map(|(fault, _)| *fault))
    }

    /// Takes in a request that has arrived whole.
    pub(crate) fn serve(&mut self, mut request: Request) -> Delivered {
        if request.path.starts_with("/_standin/") {
            return Delivered {
                number: None,
                ..Delivered::whole(self.answer(&mut request))
            };
        }
        self.counters.arrived();
        request.number = self.counters.requests;
        request.arrived = self.started.elapsed();
        let mut delivered = self.faulted(&mut request);
        delivered.number = Some(request.number);
        delivered.delay += self.latency;
        let date = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let request_id = format!("{:032x}", 0x5712_0000_0000u64 + request.number);
        delivered.answer.complete(&request_id, &date);
        request.status = delivered
            .delivery
            .has_status()
            .then_some(delivered.answer.status);
        if self.keeps_log {
            self.log.push(request);
        }
        delivered
    }

    /// Notes that nothing more will be sent for the request with this number; none: it was one of the control API.
    pub(crate) fn answered(&mut self, number: Option<u64>) {
        let Some(number) = number else { return };
        self.counters.in_flight -= 1;
        // A request that came before the log was last emptied is not in it.
        if let Ok(index) = self
            .log
            .binary_search_by_key(&number, |request| request.number)
        {
            self.log[index].answered = Some(self.started.elapsed());
        }
    }

    fn faulted(&mut self, request: &mut Request) -> Delivered {
        let mut found: Option<Fault> = None;
        for (fault, calls) in &mut self.faults {
            if fault.on.matches(request) {
                *calls += 1;
                if found.is_none() && fault.when.is_turn(*calls) {
                    found = Some(fault.clone());
                }
            }
        }
        let Some(Fault {
            reply,
            delivery,
            delay,
            ..
        }) = found
        else {
            return Delivered::whole(self.answer(request));
        };
        request.faulted = true;
        let answer = match reply {
            Reply::Service => self.answer(request),
            Reply::Instead(answer) => {
                self.note_verdict(request);
                answer
            }
            Reply::AfterService(answer) => {
                self.answer(request);
                answer
            }
        };
        Delivered {
            delivery,
            delay,
            ..Delivered::whole(answer)
        }
    }

    /// Judges the credentials of a request that SWR will not answer, for the log alone.
    fn note_verdict(&mut self, request: &mut Request) {
        let host = request.header("Host").unwrap_or_default().to_owned();
        let (path, home) = (request.path.clone(), self.world.home_region.clone());
        if let Route::Swr { region, .. } = Route::of(&host, &path, home.as_deref())
            && self.world.regions.contains_key(region)
        {
            // The verdict is in the request; the answer of the fault stands.
            drop(authentication::authenticate(self, request, region));
        }
    }

    fn answer(&mut self, request: &mut Request) -> Answer {
        let host = request.header("Host").unwrap_or_default().to_owned();
        let (path, home) = (request.path.clone(), self.world.home_region.clone());
        match Route::of(&host, &path, home.as_deref()) {
            Route::Swr { region, path } => swr::answer(self, request, region, path),
            Route::Sts(path) => sts::answer(self, request, path),
            Route::Iam(path) => iam::answer(self, request, path),
            Route::Issuer => platform::id_token(self, request),
            Route::MetadataToken => platform::metadata_token(self, request),
            Route::MetadataKey => platform::metadata_key(self, request),
            Route::Control(path) => control::answer(self, request, path),
            Route::Nowhere => swr::no_such_api(),
        }
    }

    /// A temporary key that is good until then, with names and secrets never given before.
    pub(crate) fn new_temporary_key(&mut self, holder: Holder, expires_at: Timestamp) -> AccessKey {
        let number = self.world.keys.len();
        let digits = sha256_hex(format!("{number} {expires_at}").as_bytes());
        let access = format!("HSTA{}", digits[..16].to_ascii_uppercase());
        let (secret, token) = (
            format!("secret{}", &digits[16..50]),
            format!("gQpjbi1ub3J0aC00{}+/w==", digits.repeat(12)),
        );
        let key = AccessKey {
            holder,
            ..AccessKey::temporary(&access, &secret, &token, expires_at)
        };
        self.world.keys.push(key.clone());
        key
    }

    /// What becomes of one tag of a sync call.
    pub(crate) fn sync_for(&mut self, asked: &Asked) -> Sync {
        for (rule, used) in &mut self.rules {
            if !rule.matches(asked) {
                continue;
            }
            let used = used.entry(asked.clone()).or_default();
            if rule.times.is_none_or(|times| *used < times) {
                *used += 1;
                return rule.sync.clone();
            }
        }
        self.world.sync.clone()
    }
}

/// The time by the machine's clock, the only place that reads it.
#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in plays the outside world, clock included"
)]
fn system_time() -> Timestamp {
    Timestamp::now()
}
