//! What exists before the first request: regions, organizations, repositories, tags, and who may do what.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::credential::{
    AccessKey, DEMO_ACCESS_KEY, DEMO_ACCOUNT, DEMO_SECRET_KEY, DEMO_TOKEN, Holder, Token,
};
use crate::identity::{Agency, IdentityProvider, Issuer, Metadata, Provider};
use crate::signature::sha256_hex;

/// Everything the imitation knows. A plain value: make one with [`World::demo`], [`World::empty`] or [`World::sized`], change its
/// fields, and give it to [`Standin::start`](crate::Standin::start). The same form is read from JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct World {
    /// Regions by id.
    pub regions: BTreeMap<String, Region>,
    /// The region of requests without a base path, for clients that know none; without it they are answered 404.
    pub home_region: Option<String>,
    /// Permanent and temporary access keys.
    pub keys: Vec<AccessKey>,
    /// Tokens for `X-Auth-Token`.
    pub tokens: Vec<Token>,
    /// The CI's issuer of id tokens.
    pub issuer: Issuer,
    /// OIDC providers STS knows.
    pub providers: Vec<Provider>,
    /// Agencies STS knows.
    pub agencies: Vec<Agency>,
    /// Identity providers the older IAM knows.
    pub identity_providers: Vec<IdentityProvider>,
    /// The metadata service of the host.
    pub metadata: Metadata,
    /// Sync jobs of earlier days.
    pub jobs: Vec<EarlierJob>,
    /// What becomes of a sync that no [`SyncRule`](crate::SyncRule) speaks about.
    pub sync: crate::Sync,
    /// In which order job rows are listed.
    pub job_order: JobOrder,
}

/// One region.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Region {
    /// The project that tokens for this region are scoped to, and that `X-Project-Id` must name when it is sent.
    pub project_id: String,
    /// Organizations by name.
    pub organizations: BTreeMap<String, Organization>,
    /// What `GET /v2/manage/regions` answers here.
    pub sync_regions: SyncRegions,
}

/// What ListSyncRegions answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SyncRegions {
    /// All regions of the world.
    #[default]
    All,
    /// These alone.
    These(Vec<String>),
    /// Elements without a `regionID`, as one edition of the documentation shows.
    Nameless,
    /// 404 `APIGW.0101`: not offered in this region.
    NotOffered,
    /// 403 `SVCSTG.SWR.4030170`: not permitted.
    Forbidden,
}

/// An organization, called namespace in paths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Organization {
    /// The account that owns it. Names are unique in a region across accounts.
    pub account: String,
    /// What callers of the owning account may do: 7 manage, 3 edit, 1 read.
    pub auth: u8,
    /// Repositories by name, with their slashes.
    pub repositories: BTreeMap<String, Repository>,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Repository {
    /// Tags by name.
    pub tags: BTreeMap<String, Tag>,
}

/// A tag and what it points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// 0 for a manifest, 1 for a manifest list (a multi-platform image).
    #[serde(default)]
    pub tag_type: u8,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    /// When it was last pushed; none: when the stand-in started.
    #[serde(default)]
    pub updated: Option<Timestamp>,
}

/// A job row that was there before the first request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlierJob {
    /// Source region.
    pub region: String,
    /// Source organization.
    pub namespace: String,
    /// Repository.
    pub repository: String,
    /// Tag.
    pub tag: String,
    /// Target region.
    pub remote_region: String,
    /// Target organization.
    pub remote_namespace: String,
    /// Its status.
    pub status: String,
    /// How long before the start it was made.
    #[serde(with = "crate::duration")]
    pub age: Duration,
}

/// In which order job rows are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum JobOrder {
    /// By time of creation, as the filter asks.
    #[default]
    AsAsked,
    /// The other way round.
    Reversed,
    /// By a hash of the row and the number of the poll: another order each time.
    Shuffled,
}

impl Default for World {
    fn default() -> Self {
        Self::empty()
    }
}

impl World {
    /// No region, nobody, nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            regions: BTreeMap::new(),
            home_region: None,
            keys: Vec::new(),
            tokens: Vec::new(),
            issuer: Issuer::default(),
            providers: Vec::new(),
            agencies: Vec::new(),
            identity_providers: Vec::new(),
            metadata: Metadata::default(),
            jobs: Vec::new(),
            sync: crate::Sync::default(),
            job_order: JobOrder::AsAsked,
        }
    }

    /// Three regions, each with an organization `team`; in `cn-north-4` the repositories `app` (`1.0.0`, `1.1.0`, `latest`) and
    /// `backend/api` (`v1`, and `v2` for several platforms). One permanent key and one token for all of it,
    /// and a provider, an agency and an identity provider for the default issuer.
    #[must_use]
    pub fn demo() -> Self {
        let mut world = Self::empty();
        for id in ["cn-north-4", "cn-east-3", "ap-southeast-3"] {
            let region = Region::new(&sha256_hex(id.as_bytes())[..32]);
            world.regions.insert(id.to_owned(), region);
            world.organization(id, "team");
        }
        for (repository, tag, content) in [
            ("app", "1.0.0", "one"),
            ("app", "1.1.0", "two"),
            ("app", "latest", "two"),
            ("backend/api", "v1", "three"),
        ] {
            world.push(
                "cn-north-4",
                "team",
                repository,
                tag,
                Tag::manifest(content),
            );
        }
        world.push(
            "cn-north-4",
            "team",
            "backend/api",
            "v2",
            Tag::manifest_list("four"),
        );
        world
            .keys
            .push(AccessKey::permanent(DEMO_ACCESS_KEY, DEMO_SECRET_KEY));
        world.home_region = Some("cn-north-4".to_owned());
        world.providers.push(Provider::demo());
        world.agencies.push(Agency::demo());
        world.identity_providers.push(IdentityProvider::demo());
        world.tokens.push(Token {
            value: DEMO_TOKEN.to_owned(),
            project_id: Some(world.regions["cn-north-4"].project_id.clone()),
            expires_at: None,
            holder: Holder::default(),
        });
        world
    }

    /// [`World::demo`] with a further organization `bulk` in every region, whose repositories `r0000`, `r0001` … have the tags `t00000` …
    /// in `cn-north-4`.
    #[must_use]
    pub fn sized(repositories: usize, tags: usize) -> Self {
        let mut world = Self::demo();
        for id in ["cn-east-3", "ap-southeast-3"] {
            world.organization(id, "bulk");
        }
        for repository in 0..repositories {
            for tag in 0..tags {
                let content = format!("{repository}/{tag}");
                world.push(
                    "cn-north-4",
                    "bulk",
                    &format!("r{repository:04}"),
                    &format!("t{tag:05}"),
                    Tag::manifest(&content),
                );
            }
        }
        world
    }

    /// The organization, made with its region where it is missing.
    pub fn organization(&mut self, region: &str, namespace: &str) -> &mut Organization {
        let region = self
            .regions
            .entry(region.to_owned())
            .or_insert_with(|| Region::new(&sha256_hex(region.as_bytes())[..32]));
        region
            .organizations
            .entry(namespace.to_owned())
            .or_default()
    }

    /// Pushes a tag: everything above it is made where it is missing, and an older tag of that name is replaced.
    pub fn push(
        &mut self,
        region: &str,
        namespace: &str,
        repository: &str,
        tag: &str,
        content: Tag,
    ) {
        let organization = self.organization(region, namespace);
        organization
            .repositories
            .entry(repository.to_owned())
            .or_default()
            .tags
            .insert(tag.to_owned(), content);
    }

    /// The tag, if it exists.
    #[must_use]
    pub fn tag(&self, region: &str, namespace: &str, repository: &str, tag: &str) -> Option<&Tag> {
        self.regions
            .get(region)?
            .organizations
            .get(namespace)?
            .repositories
            .get(repository)?
            .tags
            .get(tag)
    }
}

impl Region {
    /// A region without organizations that lists all regions as targets.
    #[must_use]
    pub fn new(project_id: &str) -> Self {
        Self {
            project_id: project_id.to_owned(),
            ..Self::default()
        }
    }
}

impl Default for Organization {
    /// An empty organization of [`DEMO_ACCOUNT`], which its callers manage.
    fn default() -> Self {
        Self {
            account: DEMO_ACCOUNT.to_owned(),
            auth: 7,
            repositories: BTreeMap::new(),
        }
    }
}

impl Tag {
    /// A single-platform image; the digest is the hash of `content`.
    #[must_use]
    pub fn manifest(content: &str) -> Self {
        Self {
            digest: format!("sha256:{}", sha256_hex(content.as_bytes())),
            tag_type: 0,
            size: 4096,
            updated: None,
        }
    }

    /// A multi-platform image; the digest is the hash of `content`.
    #[must_use]
    pub fn manifest_list(content: &str) -> Self {
        Self {
            tag_type: 1,
            ..Self::manifest(content)
        }
    }
}
