//! TeamCity: service messages, see "Service Messages" in its documentation.

use std::fmt::Write as _;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::emit::Emission;
use crate::event::Level;
use crate::report::annotations::Annotation;
use crate::report::dialect::Dialect;
use crate::report::outputs::{ENVIRONMENT_VALUE_LIMIT, Outputs};
use crate::report::sanitise::Clean;

/// TeamCity.
#[derive(Debug)]
pub struct TeamCity;

impl Dialect for TeamCity {
    fn log(&self, level: Level, text: &Clean) -> String {
        match level {
            Level::Error => message(text, "FAILURE"),
            Level::Warn => message(text, "WARNING"),
            Level::Info => format!("{text}\n"),
            Level::Debug => format!("debug: {text}\n"),
        }
    }

    fn section_start(&self, title: &Clean, _at: Timestamp) -> String {
        let title = value(title.as_str());
        format!("##teamcity[blockOpened name='swr-image-sync' description='{title}']\n")
    }

    fn section_end(&self, _at: Timestamp) -> String {
        "##teamcity[blockClosed name='swr-image-sync']\n".to_owned()
    }

    fn annotation(&self, annotation: &Annotation) -> String {
        annotation.within_limit(|annotation| {
            let description = value(&annotation.text("\n"));
            let identity = identity(annotation);
            format!("##teamcity[buildProblem description='{description}' identity='{identity}']\n")
        })
    }

    fn outputs(&self, outputs: &Outputs) -> Emission {
        let mut text = String::new();
        for output in outputs.iter() {
            let (name, value) = (output.variable(), value(&output.value));
            writeln!(
                text,
                "##teamcity[setParameter name='env.{name}' value='{value}']"
            )
            .expect("a text takes any text");
        }
        Emission::text(text)
    }

    fn takes(&self, outputs: &Outputs) -> bool {
        outputs.longest() <= ENVIRONMENT_VALUE_LIMIT
    }

    fn conclusion(&self, level: Level, text: &Clean) -> String {
        // A build problem tells of failures already; the status text of a good build is free.
        let status = match level {
            Level::Info => format!(
                "##teamcity[buildStatus text='{{build.status.text}}; {}']\n",
                value(text.as_str())
            ),
            _ => String::new(),
        };
        format!("{text}\n{status}")
    }
}

fn message(text: &Clean, status: &str) -> String {
    let text = value(text.as_str());
    format!("##teamcity[message text='{text}' status='{status}']\n")
}

/// The same problem has the same identity in every build; at most 60 characters of a Java identifier.
fn identity(annotation: &Annotation) -> String {
    let hash = hex::encode(Sha256::digest(annotation.title.as_str()));
    format!("swr_image_sync_{}", &hash[..16])
}

/// The escapes of a value.
fn value(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut units = [0; 2];
    for character in text.chars() {
        match character {
            '|' | '\'' | '[' | ']' => escaped.extend(['|', character]),
            '\n' => escaped.push_str("|n"),
            '\r' => escaped.push_str("|r"),
            _ if character.is_ascii() => escaped.push(character),
            _ => {
                for unit in character.encode_utf16(&mut units) {
                    write!(escaped, "|0x{unit:04X}").expect("a text takes any text");
                }
            }
        }
    }
    escaped
}
