//! One step of a pipeline, from the environment to the exit code: the run between reading and writing.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::clock::Clock;
use crate::config::Presentation;
use crate::emit::{self, Emission};
use crate::event::Event;
use crate::inputs::{self, Environment, FILE_LIMIT};
use crate::outcome::{Ending, Exit, Outcome};
use crate::report::Reporter;
use crate::run::{World, run};
use crate::{defect, signals};

/// Does everything that the program is for. A defect of the program ends in words and a code of its own, wherever it
/// shows: in the run it is an outcome like any other, and in telling an outcome it is the outcome that is told.
pub fn step(environment: &Environment, clock: Clock, stdout: &mut dyn Write) -> Exit {
    let told = catch_unwind(AssertUnwindSafe(|| {
        run_and_tell(environment, clock, stdout)
    }));
    told.unwrap_or_else(|_| {
        // Where nothing redacts any more, the text of a panic is not shown.
        let place = defect::place().map(|place| format!(" at {place}"));
        let place = place.unwrap_or_default();
        let line = format!("error: internal error{place}; please report this as a defect\n");
        emit::emit(&Emission::text(line), stdout);
        Exit::Internal
    })
}

fn run_and_tell(environment: &Environment, clock: Clock, stdout: &mut dyn Write) -> Exit {
    // First of all: until then PID 1 of a container is deaf to signals.
    let signal = signals::first();
    let inputs = inputs::read(environment, &read_file);
    let (presentation, _) = Presentation::parse(&inputs, environment);
    let reporter = Reporter::new(presentation, environment, fastrand::u128(..));
    let shared = RefCell::new((reporter, stdout));
    let events = |event: Event| {
        let (reporter, stdout) = &mut *shared.borrow_mut();
        let text = reporter.event(&event);
        // A log that cannot be written is told at the end, with everything else.
        let _ = emit::emit(&Emission::text(text), *stdout);
    };
    let world = World {
        environment,
        inputs: &inputs,
        read_file: &read_file,
        clock,
        events: &events,
    };
    let outcome = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let outcome = runtime.block_on(run(world, signal));
            // Dropping it would wait for a thread that still asks for an address.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => {
            let error = anyhow::Error::new(error).context("the runtime cannot be made");
            Outcome::without_plan(Ending::Defect(format!("{error:#}")))
        }
    };
    let (reporter, stdout) = shared.into_inner();
    emit::finish(&reporter, &outcome, stdout)
}

/// Reads a file that an input or the environment names, one byte past the limit at most.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_LIMIT as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
