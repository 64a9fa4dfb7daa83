//! The SWR management API: requests, signatures, answers.

pub mod broken;
pub mod client;
pub mod error;
pub mod explain;
pub mod gate;
pub mod operations;
pub mod pace;
pub mod reads;
pub mod remedy;
pub mod sign;
pub mod wire;
