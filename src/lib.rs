//! Asks Huawei Cloud SWR to copy pushed image tags to other regions, and tells the truth about each of them.
//!
//! This is the library behind the program `swr-image-sync`, a step of a CI pipeline. Its interface is that of the program: inputs
//! in the environment, outputs, exit codes. The crate itself is not published, and its items may change at any time.
//!
//! # Layout
//!
//! | Module | Knows |
//! | --- | --- |
//! | [`step`] | one step, from the environment to the exit code |
//! | [`run`] | the run within it, from inputs to [`outcome::Outcome`]; it cannot fail |
//! | [`inputs`] | the one table of inputs, and which variable each comes from |
//! | [`config`] | what inputs mean; collects every problem |
//! | [`names`] | region, namespace, repository, tag, target: types that hold only what can be asked for |
//! | [`credentials`] | who asks: the choice of one source, what it gives, and its renewal |
//! | [`transport`] | the HTTP client: roots, proxies, timeouts |
//! | [`swr`] | the API: requests, signature, answers, what they mean and what to do about them |
//! | [`select`] | patterns, looked up over what exists |
//! | [`plan`] | what will be asked: one call per repository × target × batch of tags |
//! | [`preflight`] | what is bound to fail, before the first call |
//! | [`apply`] | order, concurrency, retries and stop rules of the sync calls |
//! | [`wait`] | jobs and digests, until each tag's fate is known |
//! | [`outcome`] | what became of each tag; exit codes and states |
//! | [`report`] | from an outcome to texts, for each CI system; pure |
//! | [`emit`] | the only code that prints or writes files |
//! | [`ci`] | which CI system this is |
//! | [`event`] | what is told while a run is under way |
//! | [`prose`] | counts and lists as people read them |
//! | [`help`] | `--help` and `--version` |
//! | [`signals`], [`defect`], [`clock`] | SIGINT and SIGTERM, panics, the time |
//!
//! # Flow
//!
//! ```text
//! environment ─┬─► ci::detect ───────────────────────────────► Ci ──────────────────┐
//!  (a map)     └─► inputs::read ─► RawInputs ─► Config::parse ─► Config              │
//!                                                 │ all problems at once             │
//!                                                 ▼                                  ▼
//!  credentials::choose ─► select ─► plan ─► preflight ─► apply ─► wait ─► Outcome ─► report ─► Emission ─► emit ─► exit code
//!                                    │ a dry run stops behind preflight    (every path ends in an Outcome)
//! ```
//!
//! What must be seen while a run is under way (secrets to mask, lines of the log, sections) are events; the reporter renders them,
//! `emit` prints them. What a run has learned stands outside of its future, so that a signal loses none of it.
//!
//! # Errors
//!
//! There is one type for what went wrong with a request or a tag, [`outcome::Failure`]: what happened in the words of whoever knows,
//! what to do about it, and the exit code that it leads to. Problems of inputs are [`inputs::InputProblem`], all of them together.
//!
//! # Examples
//!
//! From an environment to the plan that a dry run shows, without any request:
//!
//! ```
//! use swr_image_sync::config::Config;
//! use swr_image_sync::inputs;
//! use swr_image_sync::plan::Plan;
//! use swr_image_sync::select;
//!
//! let environment = [
//!     ("INPUT_IMAGES", "swr.cn-north-4.myhuaweicloud.com/team/backend/api:v1"),
//!     ("INPUT_TARGETS", "cn-east-3, ap-southeast-3/team-sg"),
//! ];
//! let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
//! let inputs = inputs::read(&environment, &|path| std::fs::read(path));
//! let config = Config::parse(&inputs, &environment).expect("these inputs are complete");
//! let images = select::exact(&config.selections, &config.exclude).expect("there are no patterns");
//! let (plan, notes) = Plan::new(
//!     &config.region,
//!     config.connection.endpoint.address(&config.region),
//!     &images,
//!     &config.targets,
//!     config.override_existing,
//!     config.calls.batch_size,
//! );
//! assert!(notes.is_empty());
//! assert_eq!(plan.calls.len(), 2);
//! let shown = plan.to_string();
//! assert!(shown.contains("/v2/manage/namespaces/team/repos/backend$api/sync_images"));
//! assert!(shown.contains(r#""remoteRegionId":"ap-southeast-3""#));
//! ```

pub mod apply;
pub mod ci;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod defect;
pub mod emit;
pub mod event;
pub mod help;
pub mod inputs;
pub mod names;
pub mod outcome;
pub mod plan;
pub mod preflight;
pub mod prose;
pub mod report;
pub mod run;
pub mod select;
pub mod signals;
pub mod step;
pub mod swr;
pub mod transport;
pub mod wait;
