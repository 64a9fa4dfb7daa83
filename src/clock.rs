//! The time of day as an argument, so that a test can set it.

use jiff::Timestamp;

/// Tells the time of day.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub fn() -> Timestamp);

impl Clock {
    /// The time now.
    pub fn now(self) -> Timestamp {
        (self.0)()
    }
}
