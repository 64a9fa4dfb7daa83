//! What must be seen or known while a run is under way. The dialect of the CI renders it, `emit` prints it.

use jiff::Timestamp;
use secrecy::SecretString;

use crate::clock::Clock;

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

/// A part of the log that can be folded, for as long as this lives; a run that is cut short closes it too.
#[must_use]
#[expect(missing_debug_implementations, reason = "functions do not print")]
pub struct Section<'a> {
    events: Events<'a>,
    clock: Clock,
}

impl<'a> Section<'a> {
    /// Begins a part.
    pub fn start(title: String, clock: Clock, events: Events<'a>) -> Self {
        events(Event::SectionStart(title, clock.now()));
        Self { events, clock }
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        (self.events)(Event::SectionEnd(self.clock.now()));
    }
}
