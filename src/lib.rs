//! Asks Huawei Cloud SWR to copy pushed image tags to other regions.

pub mod ci;
pub mod config;
pub mod credentials;
pub mod event;
pub mod inputs;
pub mod names;
pub mod outcome;
pub mod plan;
pub mod swr;
