//! SIGINT and SIGTERM. The program may be PID 1 of a container, where neither does anything unless it is handled.

use std::future::Future;

use crate::outcome::Signal;

/// Handles signals from here on, and waits for the first.
///
/// A second one ends the process at once, whatever it does. So does `GRACE` after the first, since whatever holds the
/// program up by then, such as a log that nobody reads, may do so for ever.
#[cfg(unix)]
pub fn first() -> impl Future<Output = Signal> {
    let (tell, told) = tokio::sync::oneshot::channel();
    if let Ok(signals) = listen() {
        // A thread of its own: it ends the process even while the main one writes. Where there may be no more threads the
        // run goes on without, and the second signal ends it.
        let _ = std::thread::Builder::new().spawn(move || follow(signals, tell));
    }
    async move {
        match told.await {
            Ok(signal) => signal,
            Err(_) => std::future::pending().await,
        }
    }
}

/// From the first signal to the end of the process; 2 s are promised, and the exit takes its time too.
#[cfg(unix)]
const GRACE: std::time::Duration = std::time::Duration::from_millis(1700);

#[cfg(unix)]
fn listen() -> std::io::Result<signal_hook::iterator::Signals> {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;

    let armed = Arc::new(AtomicBool::new(false));
    for number in [SIGINT, SIGTERM] {
        // The shutdown stands first, so that the signal which arms it is not the one that triggers it.
        let code = meaning(number).1;
        flag::register_conditional_shutdown(number, code, Arc::clone(&armed))?;
        flag::register(number, Arc::clone(&armed))?;
    }
    signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
}

#[cfg(unix)]
fn follow(mut signals: signal_hook::iterator::Signals, tell: tokio::sync::oneshot::Sender<Signal>) {
    let Some(number) = signals.forever().next() else {
        return;
    };
    let (signal, code) = meaning(number);
    // Where the run is over already, nobody listens.
    let _ = tell.send(signal);
    std::thread::sleep(GRACE);
    signal_hook::low_level::exit(code);
}

#[cfg(unix)]
fn meaning(number: i32) -> (Signal, i32) {
    use crate::outcome::Exit;
    let (signal, exit) = if number == signal_hook::consts::SIGINT {
        (Signal::Interrupt, Exit::Interrupted)
    } else {
        (Signal::Terminate, Exit::Terminated)
    };
    (signal, exit.code().into())
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub async fn first() -> Signal {
    match tokio::signal::ctrl_c().await {
        Ok(()) => Signal::Interrupt,
        Err(_) => std::future::pending().await,
    }
}
