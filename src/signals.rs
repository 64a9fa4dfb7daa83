//! SIGINT and SIGTERM. The program may be PID 1 of a container, where neither does anything unless it is handled.

use crate::outcome::Signal;

/// Waits for the first signal. From then on a second one ends the process at once, even while a report is written.
#[cfg(unix)]
pub async fn first() -> Signal {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    use tokio::signal::unix::{SignalKind, signal};

    use crate::outcome::Exit;

    let armed = Arc::new(AtomicBool::new(false));
    for (number, exit) in [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)] {
        // The shutdown stands first, so that the signal which arms it is not the one that triggers it.
        let registered =
            flag::register_conditional_shutdown(number, exit.code().into(), Arc::clone(&armed))
                .and_then(|_| flag::register(number, Arc::clone(&armed)));
        if registered.is_err() {
            return std::future::pending().await;
        }
    }
    match (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) {
        (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
        },
        _ => std::future::pending().await,
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub async fn first() -> Signal {
    match tokio::signal::ctrl_c().await {
        Ok(()) => Signal::Interrupt,
        Err(_) => std::future::pending().await,
    }
}
