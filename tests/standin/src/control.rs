//! The control API under `/_standin/`, for those who cannot call the library: containers and benchmarks.
//!
//! | method | path | body | what |
//! | --- | --- | --- | --- |
//! | GET | `requests` | | the log; `?path=` narrows it by a glob |
//! | DELETE | `requests` | | empties the log; counts and numbers go on |
//! | GET | `counters` | | [`Counters`](crate::Counters) |
//! | GET, PUT | `world` | [`World`](crate::World) | the world as it is now; another world, without the jobs of the old one |
//! | POST, DELETE | `rules` | [`SyncRule`](crate::SyncRule), or an array of them | adds, forgets all |
//! | POST, DELETE | `faults` | [`Fault`](crate::Fault), or an array of them | adds, forgets all |
//! | POST, DELETE | `connection-faults` | `[ConnectionFault, When]` | adds one, forgets all |
//! | PUT | `latency` | `"50ms"` | holds every answer back |
//! | PUT | `clock-offset` | `-1200` | seconds the service's clock is ahead |
//! | GET | `ca` | | the root of the certificates, as PEM |
//! | GET | `id-token` | | an id token; `?subject=&audience=` |
//!
//! Requests to it are not logged, not counted (their connections are) and meet no faults. Changes are answered 204.

use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::glob;
use crate::record::Request;
use crate::state::State;

/// Answers a request to `/_standin/{path}`.
pub(crate) fn answer(state: &mut State, request: &Request, path: &str) -> Answer {
    change(state, request, path).unwrap_or_else(|why| Answer::json(400, &json!({ "error": why })))
}

fn change(state: &mut State, request: &Request, path: &str) -> Result<Answer, String> {
    match (request.method.as_str(), path) {
        ("GET", "requests") => {
            let pattern = request.query("path").unwrap_or("*");
            let found: Vec<&Request> = state
                .log
                .iter()
                .filter(|request| glob::matches(pattern, &request.path))
                .collect();
            return Ok(Answer::json(200, &json!(found)));
        }
        ("GET", "counters") => return Ok(Answer::json(200, &json!(state.counters))),
        ("GET", "world") => {
            let now = state.now();
            state.jobs.settle_all(&mut state.world, now);
            return Ok(Answer::json(200, &json!(state.world)));
        }
        ("GET", "ca") => {
            return Ok(Answer::text(
                200,
                "application/x-pem-file",
                state.ca_pem.clone(),
            ));
        }
        ("GET", "id-token") => {
            let of = |key: &str| request.query(key).ok_or(format!("{key} is missing"));
            return Ok(Answer::text(
                200,
                "text/plain",
                state.id_token(of("subject")?, of("audience")?),
            ));
        }
        ("DELETE", "requests") => state.log.clear(),
        ("PUT", "world") => state.begin(read(request)?),
        ("POST", "rules") => state.rules.extend(
            one_or_many(request)?
                .into_iter()
                .map(|rule| (rule, Default::default())),
        ),
        ("DELETE", "rules") => state.rules.clear(),
        ("POST", "faults") => state
            .faults
            .extend(one_or_many(request)?.into_iter().map(|fault| (fault, 0))),
        ("DELETE", "faults") => state.faults.clear(),
        ("POST", "connection-faults") => state.connection_faults.push(read(request)?),
        ("DELETE", "connection-faults") => state.connection_faults.clear(),
        ("PUT", "latency") => {
            let text: String = read(request)?;
            state.latency = humantime::parse_duration(&text).map_err(|error| error.to_string())?;
        }
        ("PUT", "clock-offset") => state.clock_offset = SignedDuration::from_secs(read(request)?),
        _ => {
            return Ok(Answer::json(
                404,
                &json!({"error": format!("no {} {path} here", request.method)}),
            ));
        }
    }
    Ok(Answer {
        status: 204,
        headers: Vec::new(),
        body: Vec::new(),
    })
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    serde_json::from_slice(&request.body).map_err(|error| error.to_string())
}

fn one_or_many<T: DeserializeOwned>(request: &Request) -> Result<Vec<T>, String> {
    let values = match read(request)? {
        Value::Array(values) => values,
        value => vec![value],
    };
    let values = values.into_iter().map(serde_json::from_value);
    values
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}
