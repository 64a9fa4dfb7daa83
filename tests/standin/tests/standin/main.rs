//! What the stand-in promises, asked over its sockets.

#[cfg(test)]
mod client;
#[cfg(test)]
mod encrypted;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod program;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod swr;
