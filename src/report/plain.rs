//! A log for people, for every system without commands of its own.

use crate::report::dialect::Dialect;

/// The plain log.
#[derive(Debug)]
pub struct Plain;

impl Dialect for Plain {}
