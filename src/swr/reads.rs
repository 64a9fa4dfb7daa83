//! What is read from SWR: single objects, and lists page by page.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::credentials::Credentials;
use crate::event::Events;
use crate::names::{Namespace, Region, Repository, Tag};
use crate::outcome::{Exit, Failure};
use crate::swr::client::{Answer, Client, LIST_LIMIT, unreadable};
use crate::swr::error::{ApiError, ErrorKind};
use crate::swr::operations::{self, PAGE, Request, TagOrder};
use crate::swr::pace::backoff;
use crate::swr::wire::lists::{self, JobRow, Organization, RepositoryRow, TagRow, UnreadableRead};

/// How hard a read is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tries {
    /// As often as `retries` allows.
    Configured,
    /// Once and not for long, since it is a poll that comes again. A throttled answer still holds back all requests.
    Once,
}

/// A poll that is not answered by then is given up; `timeout` may be shorter.
const PATIENCE: Duration = Duration::from_secs(10);

/// A throttled poll holds back all requests for no longer than this.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// A repository in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place<'a> {
    /// The region.
    pub region: &'a Region,
    /// The organization.
    pub namespace: &'a Namespace,
    /// The repository.
    pub repository: &'a Repository,
}

/// Reads with the client of a run.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "functions do not print")]
pub struct Reads<'a> {
    /// The client.
    pub client: &'a Client,
    /// How hard each read is tried.
    pub tries: Tries,
    /// Is told of each attempt.
    pub events: Events<'a>,
}

/// A page of a list, and what its answer told beside the rows.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows, in the order of the service.
    pub rows: Vec<T>,
    /// How many rows come behind this page, where the service tells.
    pub rest: Option<usize>,
    /// The server's clock.
    pub server_time: Option<Timestamp>,
}

impl Reads<'_> {
    /// Why no region but the source can be read, where that is known beforehand.
    pub async fn only_source(&self) -> Option<Failure> {
        let why = |message: &str, remedy: &str| {
            Some(Failure::new(Exit::NotAllowed, message, Some(remedy)))
        };
        if !self.client.endpoint.serves_every_region() {
            return why(
                "`endpoint` has no `{region}`, so it serves the source region alone",
                "give `endpoint` with `{region}` in it, where the API of the targets can be reached",
            );
        }
        match self.client.credentials.current(self.events).await {
            Ok(Credentials::Token(_)) => why(
                "the token is scoped to the project of the source region",
                "use an access key, which is good in every region",
            ),
            // Without credentials the first read tells.
            Ok(Credentials::Keys(_)) | Err(_) => None,
        }
    }

    /// The ids of the regions that images can be synced to from the source region; empty where the list names none.
    ///
    /// # Errors
    /// As [`Client::read`].
    pub async fn sync_regions(&self) -> Result<Vec<String>, ApiError> {
        let answer = self
            .read(&self.client.source, &operations::list_sync_regions())
            .await?;
        understand(&answer, lists::sync_regions)
    }

    /// An organization.
    ///
    /// # Errors
    /// As [`Client::read`].
    pub async fn organization(
        &self,
        region: &Region,
        namespace: &Namespace,
    ) -> Result<Organization, ApiError> {
        let answer = self
            .read(region, &operations::show_namespace(namespace))
            .await?;
        understand(&answer, lists::organization)
    }

    /// All repositories of an organization of the source region, in the order of the service.
    ///
    /// # Errors
    /// As [`Client::read`].
    pub async fn repositories(
        &self,
        namespace: &Namespace,
    ) -> Result<Vec<RepositoryRow>, ApiError> {
        let mut all = Vec::new();
        let request = |offset| operations::list_repositories(namespace, offset);
        let source = &self.client.source;
        self.pages(source, request, lists::repositories, |page| {
            all.extend(page.rows);
            ControlFlow::Continue(())
        })
        .await?;
        Ok(all)
    }

    /// All tags of a repository, in the order of the service.
    ///
    /// # Errors
    /// As [`Client::read`].
    pub async fn tags(&self, place: Place<'_>) -> Result<Vec<TagRow>, ApiError> {
        let mut all = Vec::new();
        let request = |offset| {
            operations::list_tags(place.namespace, place.repository, TagOrder::Default, offset)
        };
        self.pages(place.region, request, lists::tags, |page| {
            all.extend(page.rows);
            ControlFlow::Continue(())
        })
        .await?;
        Ok(all)
    }

    /// Those of the wanted tags that exist, with their digests, in as few requests as can be: pages of the list, as long
    /// as fewer of them are left than tags, else tag by tag.
    ///
    /// # Errors
    /// As [`Client::read`]; [`ErrorKind::NotFound`] where there is no such repository.
    pub async fn find_tags(
        &self,
        place: Place<'_>,
        wanted: &[&Tag],
    ) -> Result<HashMap<String, Option<String>>, ApiError> {
        let mut open: HashMap<&str, &Tag> = wanted.iter().map(|tag| (tag.as_str(), *tag)).collect();
        let mut found = HashMap::with_capacity(open.len());
        let mut is_complete = false;
        if open.len() > 1 {
            let request = |offset| {
                let order = TagOrder::NewestFirst;
                operations::list_tags(place.namespace, place.repository, order, offset)
            };
            self.pages(place.region, request, lists::tags, |page| {
                for row in page.rows {
                    if open.remove(row.name.as_str()).is_some() {
                        found.insert(row.name, row.digest);
                    }
                }
                is_complete = page.rest == Some(0);
                let pages = page.rest.map_or(1, |rest| rest.div_ceil(PAGE));
                if open.is_empty() || open.len() <= pages {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .await?;
        }
        if is_complete {
            return Ok(found);
        }
        for tag in wanted.iter().filter(|tag| open.contains_key(tag.as_str())) {
            if let Some(row) = self.find_tag(place, tag).await? {
                found.insert(tag.to_string(), row.digest);
            }
        }
        Ok(found)
    }

    /// One tag, where it exists.
    ///
    /// # Errors
    /// As [`Client::read`]; [`ErrorKind::NotFound`] where there is no such repository.
    pub async fn find_tag(&self, place: Place<'_>, tag: &Tag) -> Result<Option<TagRow>, ApiError> {
        let request = operations::show_tag(place.namespace, place.repository, tag);
        match self.read(place.region, &request).await {
            Ok(answer) => understand(&answer, lists::tag).map(Some),
            Err(error) if error.is_tag_not_there() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The sync jobs of a repository of the source region, the newest first where the service keeps to that, page by page
    /// until `take` breaks.
    ///
    /// # Errors
    /// As [`Client::read`].
    pub async fn sync_jobs(
        &self,
        namespace: &Namespace,
        repository: &Repository,
        take: impl FnMut(Page<JobRow>) -> ControlFlow<()>,
    ) -> Result<(), ApiError> {
        let request = |offset| operations::list_sync_jobs(namespace, repository, offset);
        self.pages(&self.client.source, request, lists::sync_jobs, take)
            .await
    }

    /// Reads a list to its end, as `Content-Range` or an empty page tells it, or until `take` breaks.
    async fn pages<T>(
        &self,
        region: &Region,
        request: impl Fn(usize) -> Request,
        parse: fn(&[u8]) -> Result<Vec<T>, UnreadableRead>,
        mut take: impl FnMut(Page<T>) -> ControlFlow<()>,
    ) -> Result<(), ApiError> {
        let mut offset = 0;
        let mut last = Vec::new();
        loop {
            let answer = self.read(region, &request(offset)).await?;
            let rows = understand(&answer, parse)?;
            // A service that does not know `offset` would give the same page for ever.
            if rows.is_empty() || answer.body == last {
                let (rows, rest, server_time) = (Vec::new(), Some(0), answer.server_time);
                let _ = take(Page {
                    rows,
                    rest,
                    server_time,
                });
                return Ok(());
            }
            let total = answer.content_range.as_deref().and_then(lists::total);
            let rest = total.map(|total| total.saturating_sub(offset + rows.len()));
            let page = Page {
                rows,
                rest,
                server_time: answer.server_time,
            };
            if take(page).is_break() || rest == Some(0) {
                return Ok(());
            }
            offset += PAGE;
            last = answer.body;
        }
    }

    async fn read(&self, region: &Region, request: &Request) -> Result<Answer, ApiError> {
        let result = match self.tries {
            Tries::Configured => {
                let client = self.client;
                client.read(region, request, LIST_LIMIT, self.events).await
            }
            Tries::Once => self.poll(region, request).await,
        };
        result.map_err(explained)
    }

    async fn poll(&self, region: &Region, request: &Request) -> Result<Answer, ApiError> {
        let sent = Notify::new();
        let sending = || sent.notify_one();
        let client = self.client;
        let attempt = client.attempt(region, request, LIST_LIMIT, &sending, self.events);
        let too_late = async {
            sent.notified().await;
            tokio::time::sleep(PATIENCE).await;
        };
        let result = tokio::select! {
            result = attempt => result,
            () = too_late => {
                let message = format!("no answer from {region} within {} s", PATIENCE.as_secs());
                let remedy = "check the network from the runner to the service";
                Err(ApiError::without_answer(ErrorKind::NoAnswer, message, remedy))
            }
        };
        if let Err(error) = &result
            && error.kind == ErrorKind::Throttled
        {
            let delay = error.retry_after.unwrap_or_else(|| backoff(2));
            client.gate.hold_for(delay.min(LONGEST_HOLD));
        }
        result
    }
}

fn understand<T>(
    answer: &Answer,
    parse: fn(&[u8]) -> Result<T, UnreadableRead>,
) -> Result<T, ApiError> {
    parse(&answer.body)
        .map_err(|error| explained(unreadable(error.to_string(), answer.request_id.clone())))
}

/// An answer to a read says nothing about a sync.
fn explained(mut error: ApiError) -> ApiError {
    if error.kind == ErrorKind::Unreadable {
        error.failure.remedy = Some(
            "check `endpoint`, and whether a proxy or login page stands between runner and service"
                .to_owned(),
        );
    }
    error
}
