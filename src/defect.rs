//! Panics: a defect of this program is an outcome like any other, and its text goes where all text goes.

use std::any::Any;
use std::panic;
use std::sync::Mutex;

/// Where the last panic happened; the payload alone does not tell.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Keeps panics from printing to standard error, past redaction and the dialect of the CI.
pub fn quieten_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        if let Ok(mut last) = PLACE.lock() {
            *last = place;
        }
    }));
}

/// Where the last panic happened, as far as it is known; asked once for each.
pub fn place() -> Option<String> {
    PLACE.lock().ok()?.take()
}

/// What a panic said, and where, as far as it is known.
pub fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    match place() {
        Some(place) => format!("{text} ({place})"),
        None => text,
    }
}
