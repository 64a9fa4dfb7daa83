//! The running stand-in: its thread, its listener, and the handle that tests hold.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::fault::{ConnectionFault, Fault, When};
use crate::http1;
use crate::record::{Counters, Request};
use crate::state::State;
use crate::sync::SyncRule;
use crate::world::World;

/// What connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
}

impl Shared {
    /// The state; a panic of another thread does not take it away.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running stand-in on a loopback port of its own. Dropping it stops it.
#[derive(Debug)]
pub struct Standin {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Standin {
    /// Starts on a free port of 127.0.0.1, over plain HTTP.
    ///
    /// # Panics
    /// When no socket or thread can be made.
    #[must_use]
    pub fn start(world: World) -> Self {
        Self::start_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), world)
            .expect("a free loopback port")
    }

    /// Starts on this address.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start_on(address: SocketAddr, world: World) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(world)),
        });
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("standin".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    let listener =
                        TcpListener::from_std(listener).expect("a listener that does not block");
                    tokio::select! {
                        () = accept(listener, for_thread) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For the client's `endpoint`, with `{region}` in it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}/swr/{{region}}", self.url())
    }

    /// For the client's `endpoint`, of one region alone.
    #[must_use]
    pub fn region_endpoint(&self, region: &str) -> String {
        format!("{}/swr/{region}", self.url())
    }

    /// Adds a rule about syncs, behind those there are.
    pub fn rule(&self, rule: SyncRule) {
        self.shared.state().rules.push((rule, Default::default()));
    }

    /// Adds a fault, behind those there are.
    pub fn fault(&self, fault: Fault) {
        self.shared.state().faults.push((fault, 0));
    }

    /// Adds a fault of connections, counted over all connections from 1.
    pub fn connection_fault(&self, fault: ConnectionFault, when: When) {
        self.shared.state().connection_faults.push((fault, when));
    }

    /// Forgets all faults; what is under way keeps them.
    pub fn clear_faults(&self) {
        let mut state = self.shared.state();
        state.faults.clear();
        state.connection_faults.clear();
    }

    /// Holds every answer back for this long.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.state().latency = latency;
    }

    /// Sets the service's clock this far from the machine's; negative: behind.
    pub fn set_clock_offset(&self, offset: SignedDuration) {
        self.shared.state().clock_offset = offset;
    }

    /// All requests so far, in the order in which they had arrived whole.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().log.clone()
    }

    /// The sync calls so far.
    #[must_use]
    pub fn sync_requests(&self) -> Vec<Request> {
        let state = self.shared.state();
        state
            .log
            .iter()
            .filter(|request| request.path.ends_with("/sync_images"))
            .cloned()
            .collect()
    }

    /// Counts so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.state().counters
    }

    /// The world as it is now: with every tag that has landed.
    #[must_use]
    pub fn world(&self) -> World {
        let mut guard = self.shared.state();
        let state = &mut *guard;
        let now = state.now();
        state.jobs.settle_all(&mut state.world, now);
        state.world.clone()
    }

    /// Changes the world while it runs.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.shared.state().world);
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed; a second one here would hide it.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // An error here is about one connection that went before it was taken; the next may be well.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(connection(stream, Arc::clone(&shared)));
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let (number, fault) = shared.state().connected();
    match fault {
        // A socket that is dropped with a linger time of zero is reset.
        Some(ConnectionFault::Reset) => drop(stream.set_zero_linger()),
        Some(ConnectionFault::Close) => {}
        Some(ConnectionFault::Silent) => std::future::pending().await,
        None => {
            // Without it the system may hold small answers back; a slower answer is all that would come of an error.
            drop(stream.set_nodelay(true));
            http1::serve(stream, number, &shared).await;
        }
    }
}
