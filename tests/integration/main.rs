//! All tests that look at the program from outside, in one binary.

mod ci;
mod client;
mod common;
mod consistency;
mod credentials;
mod defects;
mod faults;
mod files;
mod limits;
mod patterns;
mod permissions;
mod preflight;
mod reads;
mod refusals;
mod retries;
mod secrets;
mod signals;
mod sync;
mod wait;
