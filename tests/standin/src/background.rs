//! A thread with a runtime of its own, so that tests without a runtime can use what runs in it.

use std::io;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// Runs until it is dropped; the drop waits for the end.
#[derive(Debug)]
pub(crate) struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts the thread; `spawn` is called in the runtime and leaves its tasks there.
    pub(crate) fn start(name: &str, spawn: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    spawn();
                    // The sender is dropped, never used: an error is what stops us.
                    let _ = stopped.await;
                });
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed; a second one here would hide it.
            let _ = thread.join();
        }
    }
}
