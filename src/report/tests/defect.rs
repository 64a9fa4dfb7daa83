//! A defect in the reports themselves.

use std::cell::Cell;

use super::fixtures::{reporter, success};
use crate::ci::Ci;
use crate::emit::{Emission, finish};
use crate::event::Level;
use crate::outcome::Exit;
use crate::report::dialect::Dialect;
use crate::report::outputs::Outputs;

/// A dialect that fails once, as if it had stumbled over something in the outcome.
#[derive(Debug, Default)]
struct Stumbling(Cell<bool>);

impl Dialect for Stumbling {
    fn outputs(&self, outputs: &Outputs) -> Emission {
        Emission::text(format!("status={}\n", outputs.value("status").unwrap()))
    }

    fn summary_limit(&self) -> Option<usize> {
        Some(1000)
    }

    fn summary(&self, markdown: String, _level: Level) -> Emission {
        assert!(self.0.replace(true), "stumbled");
        Emission::text(markdown)
    }
}

#[test]
fn a_defect_in_a_report_is_told_and_decides_the_code() {
    let mut reporter = reporter(Ci::Plain);
    reporter.presentation.reports = Default::default();
    reporter.dialect = Box::<Stumbling>::default();
    let mut log = Vec::new();
    let exit = finish(&reporter, &success(), &mut log);
    let log = String::from_utf8(log).unwrap();
    assert_eq!(exit, Exit::Internal);
    assert!(log.contains("status=success\nstatus=failure\n"), "{log}");
    assert!(log.contains("internal error: stumbled"), "{log}");
}
