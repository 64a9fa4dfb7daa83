//! What the stand-in promises, asked over its sockets.

mod client;
mod faults;
mod signatures;
mod swr;
