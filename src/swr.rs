//! The SWR management API: requests, signatures, answers.

pub mod operations;
pub mod sign;
