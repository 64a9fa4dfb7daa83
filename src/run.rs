//! The run from inputs to outcome. It cannot fail: refused inputs, a signal and a defect are outcomes too, so that outputs
//! are always written.

use std::cell::OnceCell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::apply::{self, Named, Progress, Rules};
use crate::clock::Clock;
use crate::config::{Config, Mode};
use crate::credentials::{self, Provider, Services};
use crate::event::{Event, Events, Level, Section};
use crate::inputs::{Environment, INPUTS, Inputs, ReadFile};
use crate::outcome::{Ending, Exit, Failure, Outcome, PairOutcome, Signal, Source};
use crate::plan::{Images, Note, Plan};
use crate::preflight::Preflight;
use crate::select::{Listed, Selected, Unselected};
use crate::swr::client::Client;
use crate::swr::gate::Gate;
use crate::swr::reads::{Reads, Tries};
use crate::wait::Waiting;
use crate::{defect, select, transport, wait};

/// What a run is given; nothing else of the world reaches it but the network.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "functions do not print")]
pub struct World<'a> {
    /// The environment of the process.
    pub environment: &'a Environment,
    /// The inputs, as read from it.
    pub inputs: &'a Inputs,
    /// Reads files that are named there.
    pub read_file: ReadFile<'a>,
    /// Tells the time of day.
    pub clock: Clock,
    /// Is told what happens.
    pub events: Events<'a>,
}

/// What a run has come to, known at every moment of it.
#[derive(Default)]
struct Stages {
    source: OnceCell<Source>,
    plan: OnceCell<Plan>,
    progress: OnceCell<Progress>,
}

/// Runs to the end, or to a signal.
pub async fn run(world: World<'_>, signal: impl Future<Output = Signal>) -> Outcome {
    let stages = Stages::default();
    let ending = {
        let work = AssertUnwindSafe(stages.work(world)).catch_unwind();
        tokio::select! {
            biased;
            signal = signal => Ending::Signalled(signal),
            ending = work => ending.unwrap_or_else(|panic| Ending::Defect(defect::describe(&*panic))),
        }
    };
    stages.into_outcome(ending)
}

impl Stages {
    async fn work(&self, world: World<'_>) -> Ending {
        let World {
            environment,
            inputs,
            events,
            ..
        } = world;
        // Masks come before anything else is said.
        credentials::announcements(inputs, environment)
            .into_iter()
            .for_each(events);
        let log = |level, text: String| events(Event::Log(level, text));
        inputs
            .warnings
            .iter()
            .for_each(|warning| log(Level::Warn, warning.clone()));
        for input in &INPUTS {
            match inputs.origins.get(input.name) {
                Some(origin) => log(
                    Level::Debug,
                    format!("input `{}`: from {origin}", input.name),
                ),
                None if input.default.is_empty() => {}
                None => log(
                    Level::Debug,
                    format!("input `{}`: by default {}", input.name, input.default),
                ),
            }
        }
        let config = match Config::parse(inputs, environment) {
            Ok(config) => config,
            Err(problems) => return Ending::Refused(problems),
        };
        config
            .notes
            .iter()
            .for_each(|(level, note)| log(*level, note.clone()));
        self.source.get_or_init(|| Source {
            region: config.region.clone(),
            registry: config.registry.clone(),
        });

        self.steps(&config, world)
            .await
            .unwrap_or_else(|ending| ending)
    }

    /// From the configuration to the end; one before the first sync call leaves by the error.
    async fn steps(&self, config: &Config, world: World<'_>) -> Result<Ending, Ending> {
        let events = world.events;
        let concurrency = config.calls.concurrency.get();
        let stopped = |failure| Ending::Stopped(vec![failure]);
        // Only what has to be read needs credentials before the plan stands.
        let (selected, client) = match select::exact(&config.selections, &config.exclude) {
            Some(images) => {
                let listed = Listed::default();
                (Selected { images, listed }, None)
            }
            None => {
                let client = connect(config, world).await.map_err(stopped)?;
                (existing(config, world, &client).await?, Some(client))
            }
        };
        let plan = plan(config, world, &selected.images)?;
        let plan = self.plan.get_or_init(|| plan);
        if config.mode == Mode::DryRun && !config.preflight {
            return Ok(Ending::DryRun(plan.clone()));
        }
        let client = match client {
            Some(client) => client,
            None => connect(config, world).await.map_err(stopped)?,
        };
        if config.preflight {
            let preflight = Preflight {
                plan,
                listed: &selected.listed,
                reads: reads(&client, events),
                concurrency,
            };
            preflight.check().await.map_err(Ending::Stopped)?;
        }
        if config.mode == Mode::DryRun {
            return Ok(Ending::DryRun(plan.clone()));
        }
        let waiting = config.wait.map(|timeout| {
            let settings = wait::Settings {
                timeout,
                concurrency,
            };
            Waiting::new(plan, &client, settings, events)
        });
        if let Some(waiting) = &waiting {
            waiting.note_earlier_jobs().await;
        }
        let rules = Rules {
            concurrency,
            on_failure: config.on_failure,
            named: if waiting.is_some() {
                Named::Hint
            } else {
                Named::Failed
            },
        };
        let progress = self.progress.get_or_init(|| Progress::new(plan));
        {
            let title = format!("Sync requests: {}", plan.calls.len());
            let _section = Section::start(title, world.clock, events);
            apply::apply(plan, &client, rules, progress, events).await;
        }
        if let Some(waiting) = &waiting {
            let title = "Waiting for the tags to land".to_owned();
            let _section = Section::start(title, world.clock, events);
            waiting.follow(progress).await;
        }
        Ok(Ending::Finished)
    }

    fn into_outcome(self, ending: Ending) -> Outcome {
        let Self {
            source,
            plan,
            progress,
        } = self;
        let unfinished = Arc::new(unfinished(&ending));
        let pairs = match (&ending, plan.into_inner(), progress.into_inner()) {
            (Ending::Refused(_) | Ending::DryRun(_), ..) | (_, None, _) => Vec::new(),
            (_, Some(plan), Some(progress)) => progress.into_pairs(&plan, &unfinished),
            (_, Some(plan), None) => plan
                .pairs
                .into_iter()
                .map(|pair| PairOutcome::skipped(pair, Arc::clone(&unfinished)))
                .collect(),
        };
        Outcome {
            ending,
            source: source.into_inner(),
            pairs,
        }
    }
}

fn reads<'a>(client: &'a Client, events: Events<'a>) -> Reads<'a> {
    Reads {
        client,
        tries: Tries::Configured,
        events,
    }
}

/// The images that fit the patterns among the inputs.
async fn existing(config: &Config, world: World<'_>, client: &Client) -> Result<Selected, Ending> {
    let reads = reads(client, world.events);
    let concurrency = config.calls.concurrency.get();
    select::existing(&config.selections, &config.exclude, reads, concurrency)
        .await
        .map_err(|unselected| match unselected {
            Unselected::Unread(failure) => Ending::Stopped(vec![*failure]),
            Unselected::Nothing(message) => {
                let input = match &world.inputs.raw.images {
                    Some(_) => "images",
                    None => "tags",
                };
                Ending::Refused(vec![world.inputs.problem(input, message)])
            }
        })
}

/// More would need more memory than a runner has; nobody means it.
const MOST_PAIRS: usize = 1_000_000;

fn plan(config: &Config, world: World<'_>, images: &[Images]) -> Result<Plan, Ending> {
    let (repositories, targets) = (images.len(), config.targets.len());
    if repositories.saturating_mul(targets) > MOST_PAIRS {
        let message = format!(
            "{repositories} repositories × {targets} targets are more than {MOST_PAIRS} pairs; split them over several runs"
        );
        return Err(Ending::Refused(vec![
            world.inputs.problem("targets", message),
        ]));
    }
    let log = |level, text: String| (world.events)(Event::Log(level, text));
    let (plan, notes) = Plan::new(
        &config.region,
        config.connection.endpoint.address(&config.region),
        images,
        &config.targets,
        config.override_existing,
        config.calls.batch_size,
    );
    for note in &notes {
        match note {
            Note::SourceLeftOut(target) => log(
                Level::Info,
                format!("target {target} left out: it is the source itself"),
            ),
            Note::SameRegion(target) => log(
                Level::Warn,
                format!(
                    "target {target} is in the source region; SWR documents syncs to other regions only"
                ),
            ),
        }
    }
    if plan.calls.is_empty() {
        return Err(Ending::Refused(vec![world.inputs.problem(
            "targets",
            "nothing is left to sync: every target is the source itself",
        )]));
    }
    Ok(plan)
}

/// Why a tag has no fate at the end of a run.
fn unfinished(ending: &Ending) -> Failure {
    match ending {
        Ending::Stopped(failures) => failures.first().cloned(),
        Ending::Signalled(signal) => {
            let (name, exit) = match signal {
                Signal::Interrupt => ("SIGINT", Exit::Interrupted),
                Signal::Terminate => ("SIGTERM", Exit::Terminated),
            };
            Some(Failure::new(
                exit,
                format!("the run was ended by {name} before this was known"),
                None,
            ))
        }
        Ending::Finished | Ending::DryRun(_) | Ending::Refused(_) | Ending::Defect(_) => None,
    }
    .unwrap_or_else(|| Failure::new(Exit::Internal, "the run ended before this was known", None))
}

async fn connect(config: &Config, world: World<'_>) -> Result<Client, Failure> {
    let Some(source) = config.credentials.clone() else {
        let mut failure = credentials::none_found(world.environment);
        if config.mode == Mode::DryRun {
            failure.message.push_str(
                "; this dry run needs them, since patterns and `preflight` read what exists",
            );
        }
        return Err(failure);
    };
    let World {
        environment,
        read_file,
        clock,
        events,
        ..
    } = world;
    let http = transport::client(
        &config.connection,
        &config.calls,
        environment,
        read_file,
        events,
    )?;
    let services = Services::of(config, http.clone());
    let credentials = Provider::new(source, services, clock);
    // Without credentials nothing can be done, so that is found out, and told, once.
    credentials.current(events).await?;
    Ok(Client {
        http,
        endpoint: config.connection.endpoint.clone(),
        source: config.region.clone(),
        project_id: config.project_id.clone(),
        credentials,
        clock,
        retries: config.calls.retries,
        gate: Gate::default(),
    })
}
