//! Helpers of the tests of all sources.

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
