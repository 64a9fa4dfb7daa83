//! GitLab CI/CD: sections in the log. Results go where GitLab shows them through `report-junit` and `report-dotenv`.

use jiff::Timestamp;

use crate::report::dialect::Dialect;
use crate::report::sanitise::Clean;

/// GitLab CI/CD.
#[derive(Debug)]
pub struct GitLab {
    section: String,
}

impl GitLab {
    /// `random` makes the section's name, which must be new within a job.
    pub fn new(random: u128) -> Self {
        Self {
            section: format!("swr_image_sync_{:08x}", random & 0xffff_ffff),
        }
    }
}

impl Dialect for GitLab {
    fn section_start(&self, title: &Clean, at: Timestamp) -> String {
        let (name, second) = (&self.section, at.as_second());
        format!("\u{1b}[0Ksection_start:{second}:{name}\r\u{1b}[0K{title}\n")
    }

    fn section_end(&self, at: Timestamp) -> String {
        let (name, second) = (&self.section, at.as_second());
        format!("\u{1b}[0Ksection_end:{second}:{name}\r\u{1b}[0K\n")
    }
}
