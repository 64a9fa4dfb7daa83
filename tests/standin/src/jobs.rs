//! Sync jobs that live by the rules set for them.

use std::collections::HashMap;
use std::time::Instant;

use jiff::Timestamp;

use crate::sync::{Ending, Pace, Sync};
use crate::world::World;

/// A repository in a region: region, organization, repository.
pub(crate) type Place = (String, String, String);

/// All jobs, found by the repository they copy from or to.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    all: Vec<LiveJob>,
    touching: HashMap<Place, Vec<usize>>,
    /// Calls of `sync_job` for first pages.
    pub(crate) rounds: u64,
}

impl Jobs {
    pub(crate) fn add(
        &mut self,
        asked: Asked,
        may_land: bool,
        sync: Sync,
        now: Timestamp,
    ) -> usize {
        self.push(LiveJob::new(asked, may_land, sync, now))
    }

    pub(crate) fn add_earlier(&mut self, asked: Asked, status: &str, created: Timestamp) {
        self.push(LiveJob {
            ended: Some(status.to_owned()),
            visible: true,
            ..LiveJob::new(asked, false, Sync::default(), created)
        });
    }

    fn push(&mut self, job: LiveJob) -> usize {
        let index = self.all.len();
        let (source, target) = (job.asked.source(), job.asked.target());
        if source != target {
            self.touching.entry(target).or_default().push(index);
        }
        self.touching.entry(source).or_default().push(index);
        self.all.push(job);
        index
    }

    /// Lets one job go on; brings its tag to the target when that is how it ends.
    pub(crate) fn settle(&mut self, index: usize, world: &mut World, now: Timestamp) {
        let job = &mut self.all[index];
        let Some((ending, lands)) = job.advance() else {
            return;
        };
        let status = match ending {
            Ending::Never => return,
            Ending::Status(status) => status,
            Ending::Natural => job.natural_end(world).to_owned(),
        };
        let Asked {
            region,
            namespace,
            repository,
            tag,
            remote_region,
            remote_namespace,
            ..
        } = &job.asked;
        if status == "success"
            && lands
            && let Some(content) = world.tag(region, namespace, repository, tag).cloned()
        {
            world.push(
                remote_region,
                remote_namespace,
                repository,
                tag,
                crate::world::Tag {
                    updated: Some(now),
                    ..content
                },
            );
        }
        job.updated = now;
        job.ended = Some(status);
    }

    pub(crate) fn settle_at(&mut self, place: &Place, world: &mut World, now: Timestamp) {
        for index in self.touching.get(place).cloned().unwrap_or_default() {
            self.settle(index, world, now);
        }
    }

    pub(crate) fn settle_all(&mut self, world: &mut World, now: Timestamp) {
        for index in 0..self.all.len() {
            self.settle(index, world, now);
        }
    }

    /// Jobs from this repository, with their numbers, in order of creation.
    pub(crate) fn from(&mut self, source: &Place) -> Vec<(usize, &mut LiveJob)> {
        let jobs = self.all.iter_mut().enumerate();
        jobs.filter(|(_, job)| job.asked.is_from(source)).collect()
    }

    /// Counts a read of a tag, or of the list of tags, in a target.
    pub(crate) fn target_read(&mut self, target: &Place, tag: Option<&str>) {
        for index in self.touching.get(target).cloned().unwrap_or_default() {
            let job = &mut self.all[index];
            if job.asked.target() == *target && tag.is_none_or(|tag| tag == job.asked.tag) {
                job.target_read();
            }
        }
    }
}

/// What one element of a `sync_images` call asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) region: String,
    pub(crate) namespace: String,
    pub(crate) repository: String,
    pub(crate) tag: String,
    pub(crate) remote_region: String,
    pub(crate) remote_namespace: String,
    pub(crate) overriding: bool,
}

impl Asked {
    fn source(&self) -> Place {
        (
            self.region.clone(),
            self.namespace.clone(),
            self.repository.clone(),
        )
    }

    fn target(&self) -> Place {
        (
            self.remote_region.clone(),
            self.remote_namespace.clone(),
            self.repository.clone(),
        )
    }

    fn is_from(&self, (region, namespace, repository): &Place) -> bool {
        self.repository == *repository && self.namespace == *namespace && self.region == *region
    }
}

/// A job under way or over.
#[derive(Debug, Clone)]
pub(crate) struct LiveJob {
    pub(crate) asked: Asked,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// The status shown at the end, once it has come.
    ended: Option<String>,
    /// Whether the caller may write in the target region.
    may_land: bool,
    sync: Sync,
    visible: bool,
    stage: usize,
    polls: u32,
    since: Instant,
    row_polled: bool,
}

impl LiveJob {
    fn new(asked: Asked, may_land: bool, sync: Sync, now: Timestamp) -> Self {
        Self {
            asked,
            created: now,
            updated: now,
            ended: None,
            may_land,
            visible: false,
            stage: 0,
            polls: 0,
            since: Instant::now(),
            row_polled: false,
            sync,
        }
    }

    fn natural_end(&self, world: &World) -> &'static str {
        let Asked {
            region,
            namespace,
            repository,
            tag,
            remote_region,
            remote_namespace,
            overriding,
        } = &self.asked;
        let organization =
            |region: &str, namespace: &str| world.regions.get(region)?.organizations.get(namespace);
        let (Some(source), Some(target)) = (
            organization(region, namespace),
            organization(remote_region, remote_namespace),
        ) else {
            return "failed";
        };
        let readable = world.tag(region, namespace, repository, tag).is_some();
        if !readable || !self.may_land || source.account != target.account || target.auth < 3 {
            return "failed";
        }
        let exists = world
            .tag(remote_region, remote_namespace, repository, tag)
            .is_some();
        if exists && !overriding {
            "existed"
        } else {
            "success"
        }
    }

    /// Goes on as far as its paces allow; returns how it wants to end when it has just come to its end.
    fn advance(&mut self) -> Option<(Ending, bool)> {
        if self.ended.is_some() {
            return None;
        }
        if !self.visible && self.sync.appears != Pace::Never && self.passed(self.sync.appears) {
            self.visible = true;
            self.next_clock(self.sync.appears);
        }
        if !self.visible && self.sync.appears != Pace::Never {
            return None;
        }
        while let Some(stage) = self.sync.stages.get(self.stage) {
            let lasts = stage.lasts;
            if !self.passed(lasts) {
                return None;
            }
            self.stage += 1;
            self.next_clock(lasts);
        }
        match &self.sync.ending {
            Ending::Never => None,
            ending => Some((ending.clone(), self.sync.lands)),
        }
    }

    /// The status a listing shows; none while the row is not there.
    pub(crate) fn status(&self) -> Option<&str> {
        if !self.visible {
            return None;
        }
        let last = self.sync.stages.get(self.stage).or(self.sync.stages.last());
        self.ended
            .as_deref()
            .or(Some(last.map_or("waiting", |stage| &stage.status)))
    }

    /// Counts a call of `sync_job`.
    pub(crate) fn row_read(&mut self) {
        if self.sync.appears != Pace::Never {
            self.row_polled = true;
            self.polls += 1;
        }
    }

    /// Counts a read of the tag in the target.
    fn target_read(&mut self) {
        if !self.row_polled {
            self.polls += 1;
        }
    }

    fn passed(&self, pace: Pace) -> bool {
        match pace {
            Pace::AtOnce => true,
            Pace::Polls(polls) => self.polls >= polls,
            Pace::Time(time) => self.since.elapsed() >= time,
            Pace::Never => false,
        }
    }

    /// Starts the next wait where the last one ended, so that late looks lose no time.
    fn next_clock(&mut self, passed: Pace) {
        match passed {
            Pace::Time(time) => self.since += time,
            Pace::Polls(polls) => {
                self.polls -= polls;
                self.since = Instant::now();
            }
            Pace::AtOnce | Pace::Never => {}
        }
    }
}
