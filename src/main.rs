//! The program: the environment and the clock go in, the exit code comes out.

use std::io::{self, Write};
use std::process::ExitCode;

use swr_image_sync::clock::Clock;
use swr_image_sync::inputs::Environment;
use swr_image_sync::outcome::Exit;
use swr_image_sync::step::step;
use swr_image_sync::{defect, help};

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads environment and clock"
)]
fn main() -> ExitCode {
    defect::quieten_panics();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let mut stdout = io::stdout();
    let (text, exit) = match &arguments[..] {
        [] => {
            let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
            let environment: Environment = std::env::vars_os()
                .map(|(name, value)| (text(name), text(value)))
                .collect();
            let exit = step(&environment, Clock(jiff::Timestamp::now), &mut stdout);
            (String::new(), exit)
        }
        [argument] if argument == "--help" => (help::help(), Exit::Synced),
        [argument] if argument == "--version" => (help::version(), Exit::Synced),
        _ => (help::no_arguments(), Exit::BadInputs),
    };
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    ExitCode::from(
        if written.is_ok() || exit != Exit::Synced {
            exit
        } else {
            Exit::NotWritten
        }
        .code(),
    )
}
