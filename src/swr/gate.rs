//! When a request may be sent: the first one of a run goes alone, a throttled answer holds back all others, and after
//! a 401 nothing signed is sent any more.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::outcome::Failure;

/// The gate that every authenticated request of a run passes.
#[derive(Debug, Default)]
pub struct Gate {
    state: RefCell<State>,
    changed: Notify,
    not_before: Cell<Option<Instant>>,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing was sent yet.
    #[default]
    Fresh,
    /// The first request is under way, alone.
    First,
    /// The first attempt has ended, and it was no 401.
    Open,
    /// A 401 has ended the run.
    Closed(Failure),
}

impl Gate {
    /// Waits until a request may be sent.
    ///
    /// # Errors
    /// The 401 that ended the run.
    pub async fn enter(&self) -> Result<Pass<'_>, Failure> {
        loop {
            let changed = self.changed.notified();
            let is_first = match &mut *self.state.borrow_mut() {
                State::Closed(failure) => return Err(failure.clone()),
                State::Open => Some(false),
                State::First => None,
                state @ State::Fresh => {
                    *state = State::First;
                    Some(true)
                }
            };
            match is_first {
                Some(is_first) => {
                    let pass = Pass {
                        gate: self,
                        is_first,
                    };
                    if !self.hold().await {
                        return Ok(pass);
                    }
                    // Time has passed: a 401 may have closed the gate, so look again.
                    drop(pass);
                }
                None => changed.await,
            }
        }
    }

    /// Holds back all requests not yet sent.
    pub fn hold_for(&self, delay: Duration) {
        let until = Instant::now() + delay;
        self.not_before.set(self.not_before.get().max(Some(until)));
    }

    /// Ends the run for every request not yet sent.
    pub fn close(&self, failure: Failure) {
        *self.state.borrow_mut() = State::Closed(failure);
        self.changed.notify_waiters();
    }

    /// Waits before another try; shorter where a 401 ends the run meanwhile.
    pub async fn pause(&self, delay: Duration) {
        let until = Instant::now() + delay;
        while Instant::now() < until {
            let changed = self.changed.notified();
            if matches!(*self.state.borrow(), State::Closed(_)) {
                return;
            }
            tokio::select! {
                () = sleep_until(until) => {}
                () = changed => {}
            }
        }
    }

    /// Waits while requests are held back, and tells whether it did.
    async fn hold(&self) -> bool {
        match self
            .not_before
            .get()
            .filter(|until| *until > Instant::now())
        {
            Some(until) => {
                sleep_until(until).await;
                true
            }
            None => false,
        }
    }
}

/// The right to send one request; the first one's keeps the gate shut until it is dropped.
#[derive(Debug)]
pub struct Pass<'a> {
    gate: &'a Gate,
    is_first: bool,
}

impl Pass<'_> {
    /// The attempt has ended, and others may go.
    pub fn ended(mut self) {
        if self.is_first {
            self.is_first = false;
            let mut state = self.gate.state.borrow_mut();
            if matches!(*state, State::First) {
                *state = State::Open;
            }
            self.gate.changed.notify_waiters();
        }
    }
}

impl Drop for Pass<'_> {
    /// An attempt that was given up before it ended leaves the next one to be the first.
    fn drop(&mut self) {
        if self.is_first {
            let mut state = self.gate.state.borrow_mut();
            if matches!(*state, State::First) {
                *state = State::Fresh;
            }
            self.gate.changed.notify_waiters();
        }
    }
}
