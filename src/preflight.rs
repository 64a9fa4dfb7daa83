//! Before the first sync call: what is bound to fail is told, all of it at once. Only reads are made, and a check that
//! cannot be made is left out, since credentials that are good for a sync need not be good for a read.

use std::collections::HashSet;
use std::future::Future;
use std::hash::Hash;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::event::{Event, Level};
use crate::inputs::nearest;
use crate::names::{Region, Target};
use crate::outcome::{Exit, Failure};
use crate::plan::{Images, Plan};
use crate::prose::{NAMES_LIMIT, listed};
use crate::select::Listed;
use crate::swr::error::ApiError;
use crate::swr::reads::{Place, Reads};

/// The least that `auth` of an organization must be for a sync into it: 7 manage, 3 edit, 1 read.
const MAY_EDIT: u64 = 3;

/// What is checked, and with what.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "functions do not print")]
pub struct Preflight<'a> {
    /// What will be asked for.
    pub plan: &'a Plan,
    /// The tags of repositories that were listed already.
    pub listed: &'a Listed,
    /// Reads with retries.
    pub reads: Reads<'a>,
    /// Requests under way at once.
    pub concurrency: usize,
}

/// What one check found.
enum Check {
    Passed,
    Missed(Failure),
    /// It could not be made.
    LeftOut {
        what: String,
        why: String,
    },
}

impl Preflight<'_> {
    /// Checks that each remote region is one SWR syncs to, that each remote organization exists and may be written, and
    /// that each tag exists in the source.
    ///
    /// # Errors
    /// Every miss, in this order; or the 401 that ended the run, alone.
    pub async fn check(self) -> Result<(), Vec<Failure>> {
        let targets = distinct(self.plan.pairs.iter().map(|pair| &pair.target));
        let (unknown, mut misses) = self
            .regions(&targets)
            .await
            .map_err(|failure| vec![failure])?;
        match self.reads.only_source().await {
            Some(why) => self.left_out("organizations in the targets", &why.message),
            None => {
                let known = targets
                    .into_iter()
                    .filter(|target| !unknown.contains(&target.region));
                misses.extend(self.each(known, |target| self.organization(target)).await?);
            }
        }
        let images = distinct(self.plan.pairs.iter().map(|pair| &pair.images));
        misses.extend(self.each(images, |images| self.tags(images)).await?);
        if misses.is_empty() {
            let text = "preflight: all checks passed".to_owned();
            (self.reads.events)(Event::Log(Level::Info, text));
            Ok(())
        } else {
            Err(misses)
        }
    }

    /// The remote regions that SWR does not sync to, and what is to be said about each.
    async fn regions<'t>(
        &self,
        targets: &[&'t Target],
    ) -> Result<(HashSet<&'t Region>, Vec<Failure>), Failure> {
        let what = "remote regions";
        let offered = match self.reads.sync_regions().await {
            Ok(offered) if offered.is_empty() => {
                self.left_out(what, "the list of regions names none");
                return Ok(Default::default());
            }
            Ok(offered) => offered,
            Err(error) if error.is_end() => return Err(error.failure),
            Err(error) => {
                self.left_out(what, &error.failure.to_string());
                return Ok(Default::default());
            }
        };
        let asked = distinct(targets.iter().map(|target| &target.region));
        let is_offered = |region: &Region| offered.iter().any(|offered| offered == region.as_str());
        let unknown = asked.into_iter().filter(|region| !is_offered(region));
        let source = &self.reads.client.source;
        let miss = |region: &Region| {
            let names = || offered.iter().map(String::as_str);
            let remedy = match nearest(region.as_str(), names()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!(
                    "it syncs to {}",
                    listed(names().collect::<Vec<_>>().into_iter(), NAMES_LIMIT)
                ),
            };
            let message = format!("SWR does not sync from {source} to the region `{region}`");
            Failure::new(Exit::NotFound, message, Some(&remedy))
        };
        let unknown: Vec<&Region> = unknown.collect();
        let misses = unknown.iter().map(|region| miss(region)).collect();
        Ok((unknown.into_iter().collect(), misses))
    }

    async fn organization(&self, target: &Target) -> Result<Check, Failure> {
        let Target { region, namespace } = target;
        let miss = |message: String, remedy: &str| {
            Ok(Check::Missed(Failure::new(
                Exit::NotFound,
                message,
                Some(remedy),
            )))
        };
        let read = self.reads.organization(region, namespace).await;
        match read {
            Ok(organization) => match organization.auth {
                Some(auth) if auth < MAY_EDIT => miss(
                    format!(
                        "the organization `{namespace}` in {region} may only be read (auth {auth})"
                    ),
                    "have the right to edit it granted in SWR, or sync to another organization",
                ),
                _ => Ok(Check::Passed),
            },
            Err(error) if error.is_not_there() => miss(
                format!("the organization `{namespace}` does not exist in {region}"),
                "create it there, or check the spelling of `targets`; SWR accepts a sync to it all the same and copies nothing",
            ),
            Err(error) if error.is_of_another_account() => miss(
                format!("the organization `{namespace}` in {region} belongs to another account"),
                "names of organizations are unique in a region: choose another one, as `<region>/<namespace>` in `targets`",
            ),
            Err(error) => unmade(format!("the organization {target}"), error),
        }
    }

    async fn tags(&self, images: &Images) -> Result<Check, Failure> {
        let Images {
            namespace,
            repository,
            tags,
        } = images;
        let region = &self.reads.client.source;
        let place = (namespace.clone(), repository.clone());
        let missing: Vec<&str> = match self.listed.get(&place) {
            Some(listed) => {
                let missing = tags.iter().filter(|tag| !listed.contains(*tag));
                missing.map(|tag| tag.as_str()).collect()
            }
            None => {
                let place = Place {
                    region,
                    namespace,
                    repository,
                };
                let wanted: Vec<_> = tags.iter().collect();
                match self.reads.find_tags(place, &wanted).await {
                    Ok(found) => {
                        let missing = tags.iter().filter(|tag| !found.contains_key(tag.as_str()));
                        missing.map(|tag| tag.as_str()).collect()
                    }
                    Err(error) if error.is_not_there() => {
                        let message = format!(
                            "there is no {namespace}/{repository} in {region}: {}",
                            error.failure
                        );
                        let remedy = "check the spelling, the region, and that the push was finished before this step";
                        return Ok(Check::Missed(Failure::new(
                            Exit::NotFound,
                            message,
                            Some(remedy),
                        )));
                    }
                    Err(error) => {
                        return unmade(format!("the tags of {namespace}/{repository}"), error);
                    }
                }
            }
        };
        if missing.is_empty() {
            return Ok(Check::Passed);
        }
        let message = format!(
            "{namespace}/{repository} in {region} has no tag {}",
            listed(missing.iter().copied(), NAMES_LIMIT)
        );
        let remedy = "check the spelling, and that the push was finished before this step; SWR accepts a sync of it all the same and copies nothing";
        Ok(Check::Missed(Failure::new(
            Exit::NotFound,
            message,
            Some(remedy),
        )))
    }

    /// Makes a check for each, and gives the misses in order.
    async fn each<T, F: Future<Output = Result<Check, Failure>>>(
        &self,
        each: impl IntoIterator<Item = T>,
        check: impl Fn(T) -> F,
    ) -> Result<Vec<Failure>, Vec<Failure>> {
        let checks: Vec<Check> = stream::iter(each)
            .map(check)
            .buffered(self.concurrency)
            .try_collect()
            .await
            .map_err(|failure| vec![failure])?;
        let mut misses = Vec::new();
        for check in checks {
            match check {
                Check::Passed => {}
                Check::Missed(failure) => misses.push(failure),
                Check::LeftOut { what, why } => self.left_out(&what, &why),
            }
        }
        Ok(misses)
    }

    fn left_out(&self, what: &str, why: &str) {
        let text = format!("preflight: {what} not checked: {why}");
        (self.reads.events)(Event::Log(Level::Info, text));
    }
}

/// A check that an error has hindered.
fn unmade(what: String, error: ApiError) -> Result<Check, Failure> {
    if error.is_end() {
        return Err(error.failure);
    }
    let why = error.failure.to_string();
    Ok(Check::LeftOut { what, why })
}

/// Each once, in the order they first came.
fn distinct<'a, T: Eq + Hash>(all: impl Iterator<Item = &'a T>) -> Vec<&'a T> {
    let mut seen = HashSet::new();
    all.filter(|one| seen.insert(*one)).collect()
}
