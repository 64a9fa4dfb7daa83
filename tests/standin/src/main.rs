//! The stand-in as a program of its own; see `--help`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use standin::{Certificate, Listen, Standin, Sync, World};

const HELP: &str = "\
An imitation of Huawei Cloud SWR, STS, IAM, a CI's token issuer and the ECS metadata service.

  --listen ADDRESS      plain HTTP there, such as 127.0.0.1:8080; port 0 for a free one; may be repeated
  --port PORT           the same on 127.0.0.1
  --listen-tls ADDRESS  TLS there; may be repeated
  --certificate KIND    of the TLS sockets: Good (default), WrongHost, Expired, UnknownRoot
  --world FILE          the world as JSON, in place of the demo
  --sized N,M           the demo with an organization `bulk` of N repositories with M tags each
  --sync-time TIME      how long a sync takes (default: until the second poll)
  --latency TIME        holds every answer back for this long
  --ca FILE             where to write the root of the certificates
  --forget-requests     keeps no log, for long runs

Prints the URL of each socket on a line of its own, then runs until SIGTERM or SIGINT. Without a socket it takes a free port of
127.0.0.1. The control API is under /_standin/.";

fn main() -> ExitCode {
    match Arguments::read(std::env::args().skip(1))
        .and_then(|arguments| arguments.map_or(Ok(HELP.to_owned()), run))
    {
        Ok(text) => say(&text),
        Err(why) => {
            say(&format!("standin: {why}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the program's one way of speaking")]
fn say(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

/// What the command line says.
struct Arguments {
    listens: Vec<Listen>,
    world: World,
    latency: Duration,
    ca: Option<PathBuf>,
    forget: bool,
}

impl Arguments {
    /// Reads the command line; `None` when help is asked for.
    fn read(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut arguments = Self {
            listens: Vec::new(),
            world: World::demo(),
            latency: Duration::ZERO,
            ca: None,
            forget: false,
        };
        let mut certificate = Certificate::Good;
        let mut sync_time = None;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} wants a value"));
            match word.as_str() {
                "--help" => return Ok(None),
                "--listen" => arguments
                    .listens
                    .push(Listen::plain().on(address(&value()?)?)),
                "--port" => arguments
                    .listens
                    .push(Listen::plain().on(address(&format!("127.0.0.1:{}", value()?))?)),
                "--listen-tls" => arguments
                    .listens
                    .push(Listen::tls(certificate).on(address(&value()?)?)),
                "--certificate" => {
                    certificate = serde_json::from_value(value()?.into())
                        .map_err(|error| error.to_string())?;
                }
                "--world" => {
                    let path = value()?;
                    let text = std::fs::read(&path).map_err(|error| format!("{path}: {error}"))?;
                    arguments.world = serde_json::from_slice(&text)
                        .map_err(|error| format!("{path}: {error}"))?;
                }
                "--sized" => {
                    let text = value()?;
                    let (repositories, tags) = text.split_once(',').ok_or("--sized wants N,M")?;
                    let number = |text: &str| {
                        text.parse()
                            .map_err(|error| format!("--sized {text}: {error}"))
                    };
                    arguments.world = World::sized(number(repositories)?, number(tags)?);
                }
                "--sync-time" => sync_time = Some(duration(&value()?)?),
                "--latency" => arguments.latency = duration(&value()?)?,
                "--ca" => arguments.ca = Some(PathBuf::from(value()?)),
                "--forget-requests" => arguments.forget = true,
                _ => return Err(format!("{word} is not known; see --help")),
            }
        }
        if arguments.listens.is_empty() {
            arguments.listens.push(Listen::plain());
        }
        for listen in arguments
            .listens
            .iter_mut()
            .filter(|listen| listen.certificate.is_some())
        {
            listen.certificate = Some(certificate);
        }
        if let Some(time) = sync_time {
            arguments.world.sync = Sync::taking(time);
        }
        Ok(Some(arguments))
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{text}: {error}"))
}

/// Runs until a signal; returns what is left to say.
fn run(arguments: Arguments) -> Result<String, String> {
    let text = |error: std::io::Error| error.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(text)?;
    runtime.block_on(async {
        // Caught before the addresses are told, so that no signal comes too early.
        let end = end_asked_for().map_err(text)?;
        let standin = Standin::start_on(&arguments.listens, arguments.world).map_err(text)?;
        standin.set_latency(arguments.latency);
        if arguments.forget {
            standin.forget_requests();
        }
        if let Some(path) = arguments.ca {
            std::fs::write(&path, standin.ca_pem())
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        say(&standin.urls().join("\n"));
        end.await;
        let counters = standin.counters();
        Ok(format!(
            "{} requests on {} connections",
            counters.requests, counters.connections
        ))
    })
}

/// Ends with the first SIGTERM or SIGINT that comes after the call.
#[cfg(unix)]
fn end_asked_for() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends with the first Ctrl-C that comes after the call.
#[cfg(windows)]
fn end_asked_for() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move { drop(interrupt.recv().await) })
}
