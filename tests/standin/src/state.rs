//! The live state: the world as it has become, the log, and who is locked out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::answer::Answer;
use crate::fault::{ConnectionFault, Delivery, Fault, Reply, When};
use crate::id_token::Claims;
use crate::identity::Issuer;
use crate::jobs::{Asked, Jobs};
use crate::record::{Counters, Request};
use crate::signature::sha256_hex;
use crate::sync::{Sync, SyncRule};
use crate::world::{AccessKey, Holder, World};
use crate::{authentication, control, iam, id_token, platform, sts, swr};

/// What to send for a request, and how.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) answer: Answer,
    pub(crate) delivery: Delivery,
    pub(crate) delay: Duration,
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
        self.counters.in_flight += 1;
        let path = request.path.clone();
        if let Some(path) = path.strip_prefix("/_standin/") {
            return Delivered {
                answer: control::answer(self, &request, path),
                delivery: Delivery::Whole,
                delay: Duration::ZERO,
            };
        }
        self.counters.requests += 1;
        self.counters.most_in_flight = self.counters.most_in_flight.max(self.counters.in_flight);
        request.number = self.counters.requests;
        request.arrived = self.started.elapsed();
        let mut delivered = self.faulted(&mut request);
        delivered.delay += self.latency;
        let date = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let request_id = format!("{:032x}", 0x5712_0000_0000u64 + request.number);
        delivered.answer.complete(&request_id, &date);
        let silent = matches!(
            delivered.delivery,
            Delivery::Reset
                | Delivery::Close
                | Delivery::Never
                | Delivery::GoAway
                | Delivery::Garbage
        );
        request.status = (!silent).then_some(delivered.answer.status);
        if self.keeps_log {
            self.log.push(request);
        }
        delivered
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
            return Delivered {
                answer: self.answer(request),
                delivery: Delivery::Whole,
                delay: Duration::ZERO,
            };
        };
        request.faulted = true;
        let answer = match reply {
            Reply::Service => self.answer(request),
            Reply::Instead(answer) => answer,
            Reply::AfterService(answer) => {
                self.answer(request);
                answer
            }
        };
        Delivered {
            answer,
            delivery,
            delay,
        }
    }

    fn answer(&mut self, request: &mut Request) -> Answer {
        let path = request.path.clone();
        match path.as_str() {
            "/oidc/token" => return platform::id_token(self, request),
            "/meta-data/latest/api/token" => return platform::metadata_token(self, request),
            "/openstack/latest/securitykey" => return platform::metadata_key(self, request),
            _ => {}
        }
        let host = request.header("Host").unwrap_or_default().to_owned();
        match Destination::of(&host, &path) {
            Some(Destination {
                service: "swr" | "swr-api",
                region,
                path,
            }) => swr::answer(self, request, region, path),
            Some(Destination {
                service: "sts",
                path,
                ..
            }) => sts::answer(self, request, path),
            Some(Destination {
                service: "iam",
                path,
                ..
            }) => iam::answer(self, request, path),
            _ => swr::no_such_api(),
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

/// Which service of which region a request is for: by the first part of its path, or else by the vendor's host name.
struct Destination<'a> {
    service: &'a str,
    region: &'a str,
    path: &'a str,
}

impl<'a> Destination<'a> {
    fn of(host: &'a str, path: &'a str) -> Option<Self> {
        let host = host.split(':').next()?;
        let domain = host
            .strip_suffix(".myhuaweicloud.com")
            .or(host.strip_suffix(".myhuaweicloud.eu"));
        let path = path.strip_prefix('/')?;
        if let Some((service, region)) = domain.and_then(|host| host.split_once('.')) {
            return Some(Self {
                service,
                region,
                path,
            });
        }
        let (service, rest) = path.split_once('/')?;
        let (region, path) = rest.split_once('/')?;
        Some(Self {
            service,
            region,
            path,
        })
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
