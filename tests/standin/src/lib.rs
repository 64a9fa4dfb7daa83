//! A stateful imitation of Huawei Cloud SWR, STS, IAM, a CI's token issuer and the ECS metadata service, on loopback.
//!
//! ```
//! use standin::{Answer, Fault, Matcher, Standin, When, World};
//!
//! let standin = Standin::start(World::demo());
//! standin.fault(Fault::answer(Answer::throttled()).on(Matcher::sync()).when(When::First(1)));
//! // Run a client with `endpoint` = standin.endpoint(), the keys DEMO_ACCESS_KEY and DEMO_SECRET_KEY. Then ask what it did:
//! assert!(standin.sync_requests().is_empty());
//! assert_eq!(standin.counters().connections, 0);
//! ```

mod answer;
mod authentication;
mod background;
mod certificate;
pub mod control;
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
mod server;
pub mod signature;
mod state;
mod sts;
mod swr;
mod sync;
mod world;

pub use answer::{Answer, ErrorShape};
pub use certificate::Certificate;
pub use fault::{ConnectionFault, Delivery, Fault, Matcher, Reply, When};
pub use identity::{Agency, Handshake, IdentityProvider, Issuer, Metadata, Provider};
pub use proxy::{Proxy, Route};
pub use record::{Counters, Request, Verdict};
pub use server::{Listen, Standin};
pub use sync::{Ending, Pace, Stage, Sync, SyncRule};
pub use world::{
    AccessKey, DEMO_ACCESS_KEY, DEMO_ACCOUNT, DEMO_SECRET_KEY, DEMO_TOKEN, Denial, EarlierJob,
    Holder, JobOrder, Operation, Organization, Region, Repository, SyncRegions, Tag, Token, World,
};
