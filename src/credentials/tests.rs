//! Helpers of the tests of all sources.

use mockito::{Server, ServerOpts};

use crate::clock::Clock;
use crate::inputs::{self, Environment, Inputs};

/// An environment of these variables alone.
pub(super) fn environment(variables: &[(&str, &str)]) -> Environment {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// These inputs alone, as GitHub gives them.
pub(super) fn inputs(given: &[(&str, &str)]) -> Inputs {
    let variables = given
        .iter()
        .map(|(name, value)| {
            (
                format!("INPUT_{}", name.to_uppercase()),
                (*value).to_owned(),
            )
        })
        .collect();
    inputs::read(&variables, &|_| panic!("no input names a file"))
}

/// A server whose mocks must all be hit, exactly as often as they say. They answer in the order they are made.
pub(super) async fn server() -> Server {
    Server::new_with_opts_async(ServerOpts {
        assert_on_drop: true,
        ..ServerOpts::default()
    })
    .await
}

/// A clock that stands still.
pub(super) fn fixed_clock() -> Clock {
    Clock(|| "2026-11-24T10:00:00Z".parse().unwrap())
}
