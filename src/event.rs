//! What must be seen or known while a run is under way. The dialect of the CI renders it, `emit` prints it.

use jiff::Timestamp;
use secrecy::SecretString;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd, but does not fail the run by itself.
    Warn,
    /// The course of the run.
    Info,
    /// Where each value came from, each attempt.
    Debug,
}

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// A secret that is now known: mask it in the CI, and redact it from everything from here on.
    Secret(SecretString),
    /// An access key that is now known: only its first four characters are ever shown.
    AccessKey(String),
    /// A line of the log. May hold text from outside.
    Log(Level, String),
    /// A part of the log that can be folded begins: its title, and when.
    SectionStart(String, Timestamp),
    /// It ends.
    SectionEnd(Timestamp),
}

/// Takes events; the one way to be seen while a run is under way.
pub type Events<'a> = &'a dyn Fn(Event);
