#![doc = include_str!("../README.md")]

mod answer;
mod authentication;
mod background;
mod certificate;
pub mod control;
mod credential;
mod duration;
mod fault;
mod glob;
mod http1;
mod http2;
mod iam;
mod id_token;
mod identity;
mod jobs;
mod link;
mod platform;
mod proxy;
mod record;
mod route;
mod server;
pub mod signature;
mod state;
mod sts;
mod swr;
mod sync;
mod world;

pub use answer::{Answer, ErrorShape};
pub use certificate::Certificate;
pub use credential::{
    AccessKey, DEMO_ACCESS_KEY, DEMO_ACCOUNT, DEMO_SECRET_KEY, DEMO_TOKEN, Denial, Holder,
    Operation, Token,
};
pub use fault::{ConnectionFault, Delivery, Fault, Matcher, Reply, When};
pub use identity::{Agency, Handshake, IdentityProvider, Issuer, Metadata, Provider};
pub use proxy::{Proxy, Route};
pub use record::{Counters, Request, Verdict};
pub use server::{Listen, Standin};
pub use sync::{Ending, Pace, Stage, Sync, SyncRule};
pub use world::{EarlierJob, JobOrder, Organization, Region, Repository, SyncRegions, Tag, World};
