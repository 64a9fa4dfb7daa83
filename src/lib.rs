//! Asks Huawei Cloud SWR to copy pushed image tags to other regions, and tells the truth about each of them.

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
