//! The running stand-in: its thread, its listener, and the handle that tests hold.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::background::Background;
use crate::certificate::{Authority, Certificate};
use crate::fault::{ConnectionFault, Fault, When};
use crate::link::Link;
use crate::record::{Counters, Request};
use crate::state::{Delivered, State};
use crate::sync::SyncRule;
use crate::world::World;
use crate::{http1, http2};

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

    pub(crate) fn serve(&self, request: Request) -> Delivered {
        self.state().serve(request)
    }

    pub(crate) fn answered(&self, number: Option<u64>) {
        self.state().answered(number);
    }
}

/// A socket to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The address; port 0 stands for a free one.
    pub address: SocketAddr,
    /// With a certificate it speaks TLS.
    pub certificate: Option<Certificate>,
    /// Whether it speaks HTTP/2 as well, by ALPN or to clients that know.
    pub http2: bool,
}

impl Listen {
    /// A free port of 127.0.0.1, plain HTTP/1.1 and HTTP/2.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            certificate: None,
            http2: true,
        }
    }

    /// A free port of 127.0.0.1 with TLS, HTTP/1.1 and HTTP/2.
    #[must_use]
    pub fn tls(certificate: Certificate) -> Self {
        Self {
            certificate: Some(certificate),
            ..Self::plain()
        }
    }

    /// The same, elsewhere.
    #[must_use]
    pub fn on(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }
}

/// A running stand-in on loopback. Dropping it stops it.
#[derive(Debug)]
pub struct Standin {
    urls: Vec<String>,
    addresses: Vec<SocketAddr>,
    ca_pem: String,
    shared: Arc<Shared>,
    /// Held for its drop.
    _background: Background,
}

impl Standin {
    /// Starts on a free port of 127.0.0.1, over plain HTTP.
    ///
    /// # Panics
    /// When no socket or thread can be made.
    #[must_use]
    pub fn start(world: World) -> Self {
        Self::start_on(&[Listen::plain()], world).expect("a free loopback port")
    }

    /// Starts on a free port of 127.0.0.1, over TLS. Clients that trust [`Standin::ca_pem`] get on with a good certificate.
    ///
    /// # Panics
    /// When no socket or thread can be made.
    #[must_use]
    pub fn start_tls(world: World, certificate: Certificate) -> Self {
        Self::start_on(&[Listen::tls(certificate)], world).expect("a free loopback port")
    }

    /// Starts on these sockets, which all serve the same world. The addresses and helpers without a number are those of the first.
    ///
    /// # Errors
    /// When a socket cannot be listened on.
    pub fn start_on(listens: &[Listen], world: World) -> io::Result<Self> {
        let authority = Authority::new().map_err(io::Error::other)?;
        let mut listeners = Vec::new();
        let (mut urls, mut addresses) = (Vec::new(), Vec::new());
        for listen in listens {
            let listener = std::net::TcpListener::bind(listen.address)?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            let scheme = if listen.certificate.is_some() {
                "https"
            } else {
                "http"
            };
            urls.push(format!("{scheme}://{address}"));
            addresses.push(address);
            let server = |certificate| {
                authority.server(certificate, world.regions.keys().cloned(), listen.http2)
            };
            let tls = listen
                .certificate
                .map(server)
                .transpose()
                .map_err(io::Error::other)?;
            listeners.push((
                listener,
                tls.map(|config| TlsAcceptor::from(Arc::new(config))),
                listen.http2,
            ));
        }
        let ca_pem = authority.pem().to_owned();
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(world, ca_pem.clone())),
        });
        let for_thread = Arc::clone(&shared);
        let background = Background::start("standin", move || {
            for (listener, tls, http2) in listeners {
                let listener =
                    TcpListener::from_std(listener).expect("a listener that does not block");
                tokio::spawn(accept(listener, tls, http2, Arc::clone(&for_thread)));
            }
        })?;
        Ok(Self {
            urls,
            addresses,
            ca_pem,
            shared,
            _background: background,
        })
    }

    /// The address listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The addresses of all sockets, in the order in which they were asked for.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// `http://127.0.0.1:PORT` (`https` with TLS), without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.urls[0]
    }

    /// The same for all sockets, in the order in which they were asked for.
    #[must_use]
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// The root that signed the certificates (but for [`Certificate::UnknownRoot`]), as PEM, for the client's `ca-certs`.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
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

    /// For the client's `sts-endpoint`, with `{region}` in it.
    #[must_use]
    pub fn sts_endpoint(&self) -> String {
        format!("{}/sts/{{region}}", self.url())
    }

    /// For the client's `iam-endpoint`, with `{region}` in it.
    #[must_use]
    pub fn iam_endpoint(&self) -> String {
        format!("{}/iam/{{region}}", self.url())
    }

    /// For `ACTIONS_ID_TOKEN_REQUEST_URL`; it has a query already. The bearer is `world.issuer.request_token`.
    #[must_use]
    pub fn issuer_url(&self) -> String {
        format!("{}/oidc/token?api-version=2.0", self.url())
    }

    /// An id token of the world's issuer for this subject and audience, as a CI puts it into a variable.
    #[must_use]
    pub fn id_token(&self, subject: &str, audience: &str) -> String {
        self.shared.state().id_token(subject, audience)
    }

    /// Waits until the log fulfils a condition; false when it did not in time.
    #[must_use]
    pub fn wait_for(&self, time: Duration, fulfilled: impl Fn(&[Request]) -> bool) -> bool {
        let start = Instant::now();
        while !fulfilled(&self.shared.state().log) {
            if start.elapsed() > time {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
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

    /// Keeps no log from now on, and forgets what there is of it.
    pub fn forget_requests(&self) {
        let mut state = self.shared.state();
        state.keeps_log = false;
        state.log.clear();
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

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, http2: bool, shared: Arc<Shared>) {
    loop {
        // An error here is about one connection that went before it was taken; the next may be well.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, tls.clone(), http2, Arc::clone(&shared)));
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, http2: bool, shared: Arc<Shared>) {
    let (number, fault) = shared.state().connected();
    match fault {
        Some(ConnectionFault::Reset) => return drop(stream.reset_when_dropped()),
        Some(ConnectionFault::Close) => return,
        Some(ConnectionFault::Silent) => return std::future::pending().await,
        None => {}
    }
    // Without it the system may hold small answers back; a slower answer is all that would come of an error.
    drop(stream.set_nodelay(true));
    let Some(tls) = tls else {
        return match http2 && knows_http2(&stream).await {
            true => http2::serve(stream, number, &shared).await,
            false => http1::serve(stream, number, &shared).await,
        };
    };
    // A client that refuses the certificate goes away.
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => http2::serve(stream, number, &shared).await,
        _ => http1::serve(stream, number, &shared).await,
    }
}

/// Whether the client begins with the preface of HTTP/2, without having asked.
async fn knows_http2(stream: &TcpStream) -> bool {
    let mut start = [0; 3];
    loop {
        match stream.peek(&mut start).await {
            Ok(0) | Err(_) => return false,
            Ok(read) if !b"PRI".starts_with(&start[..read]) => return false,
            Ok(3) => return true,
            // One or two bytes of it: the rest is on its way.
            Ok(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}
