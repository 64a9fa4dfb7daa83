use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Emission, FileWrite, Mode, Purpose, emit, finish};
use crate::ci::Ci;
use crate::config::{Presentation, ReportPaths};
use crate::event::Level;
use crate::outcome::{Ending, Exit, Outcome};
use crate::plan::Plan;
use crate::report::Reporter;

fn write(path: PathBuf, mode: Mode, text: &str) -> Emission {
    Emission::file(Some(&path), mode, Purpose::Results, text.to_owned())
}

/// Emits what cannot fail.
fn written(emission: &Emission) {
    let failures = emit(emission, &mut Vec::new());
    assert!(failures.is_empty(), "{failures:?}");
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_is_appended_to_on_a_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("output");
    for (before, expected) in [
        (None, "a=1\n"),
        (Some(""), "a=1\n"),
        (Some("b=2\n"), "b=2\na=1\n"),
        (Some("b=2"), "b=2\na=1\n"),
    ] {
        match before {
            Some(text) => fs::write(&path, text).unwrap(),
            None => assert!(!path.exists()),
        }
        written(&write(path.clone(), Mode::Append, "a=1\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }
}

#[test]
fn a_file_that_fails_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent/output");
    let good = folder.path().join("good");
    let mut emission = write(absent.clone(), Mode::Append, "a");
    emission.extend(write(good.clone(), Mode::Replace, "b"));
    emission.extend(Emission::text("c".to_owned()));
    let mut log = Vec::new();
    let failures = emit(&emission, &mut log);
    let told: Vec<_> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains(absent.to_str().unwrap()), "{told:?}");
    assert_eq!(fs::read_to_string(&good).unwrap(), "b");
    assert_eq!(log, b"c");
}

#[test]
fn a_report_makes_its_folders_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/report.xml");
    for text in ["old", "new"] {
        written(&write(path.clone(), Mode::Replace, text));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    let names: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["report.xml"]);
}

#[test]
fn a_folder_in_the_place_of_a_report_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report");
    fs::create_dir(&path).unwrap();
    let failures = emit(&write(path.clone(), Mode::Replace, "a"), &mut Vec::new());
    assert_eq!(failures.len(), 1);
    assert!(path.is_dir());
    let nowhere = emit(&write("/".into(), Mode::Replace, "a"), &mut Vec::new());
    assert_eq!(nowhere.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_replaced_and_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (outside, link) = (folder.path().join("outside"), folder.path().join("link"));
    fs::write(&outside, "kept").unwrap();
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    // Someone may have foreseen the name of the temporary file.
    let temporary = folder.path().join(format!(".link.{}", std::process::id()));
    std::os::unix::fs::symlink(&outside, temporary).unwrap();
    written(&write(link.clone(), Mode::Replace, "report"));
    assert_eq!(fs::read_to_string(&outside).unwrap(), "kept");
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
}

#[cfg(unix)]
#[test]
fn reports_and_their_folders_belong_to_the_owner_of_the_folder_they_lie_in() {
    use std::os::unix::fs::{MetadataExt, chown};
    let folder = tempfile::tempdir().unwrap();
    // Only root can give a folder away; for anyone else it stays their own.
    let _ = chown(folder.path(), Some(12_345), Some(54_321));
    let owner = fs::metadata(folder.path()).unwrap();
    written(&write(
        folder.path().join("a/b/report"),
        Mode::Replace,
        "text",
    ));
    written(&write(
        folder.path().join("a/variables"),
        Mode::Append,
        "text",
    ));
    for path in ["a", "a/b", "a/b/report", "a/variables"] {
        let found = fs::metadata(folder.path().join(path)).unwrap();
        assert_eq!(
            (found.uid(), found.gid()),
            (owner.uid(), owner.gid()),
            "{path}"
        );
    }
}

#[test]
fn a_closed_log_is_told_as_a_failure() {
    let failures = emit(&Emission::text("a".to_owned()), &mut Closed);
    let told: Vec<_> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("cannot write to standard output: "),
        "{told:?}"
    );
}

fn reporter(folder: &Path, reports: ReportPaths) -> Reporter {
    let environment = [
        ("GITHUB_OUTPUT", "output"),
        ("GITHUB_STEP_SUMMARY", "summary"),
    ]
    .map(|(name, file)| {
        (
            name.to_owned(),
            folder.join(file).to_str().unwrap().to_owned(),
        )
    });
    let presentation = Presentation {
        ci: Ci::GitHub,
        level: Level::Info,
        summary: true,
        reports,
    };
    Reporter::new(presentation, &environment.into_iter().collect(), 7)
}

fn dry_run() -> Outcome {
    let images = "cn-north-4".parse().unwrap();
    let (plan, _) = Plan::new(
        &images,
        "https://swr.example".to_owned(),
        &[],
        &[],
        crate::config::Override::Keep,
        std::num::NonZeroUsize::MIN,
    );
    Outcome::without_plan(Ending::DryRun(plan))
}

#[test]
fn a_report_that_cannot_be_written_decides_the_code_that_all_others_carry() {
    let folder = tempfile::tempdir().unwrap();
    let (blocked, json) = (
        folder.path().join("blocked"),
        folder.path().join("report.json"),
    );
    fs::create_dir(&blocked).unwrap();
    let reports = ReportPaths {
        junit: Some(blocked.clone()),
        json: Some(json.clone()),
        ..ReportPaths::default()
    };
    let mut log = Vec::new();
    let exit = finish(&reporter(folder.path(), reports), &dry_run(), &mut log);
    let log = String::from_utf8(log).unwrap();
    assert_eq!(exit, Exit::NotWritten);
    assert_eq!(log.matches("::error ").count(), 1, "{log}");
    assert!(log.contains(blocked.to_str().unwrap()), "{log}");
    assert!(
        fs::read_to_string(json)
            .unwrap()
            .contains("\"exitCode\": 8")
    );
    let output = fs::read_to_string(folder.path().join("output")).unwrap();
    let last = output.rsplit("exit-code<<").next().unwrap();
    assert!(last.contains("\n8\n"), "{output}");
    assert!(
        fs::read_to_string(folder.path().join("summary"))
            .unwrap()
            .contains("exit code 8")
    );
}

#[test]
fn outputs_that_cannot_be_written_leave_the_reports_written() {
    let folder = tempfile::tempdir().unwrap();
    let dotenv = folder.path().join("sync.env");
    let reports = ReportPaths {
        dotenv: Some(dotenv.clone()),
        ..ReportPaths::default()
    };
    fs::create_dir(folder.path().join("output")).unwrap();
    let exit = finish(
        &reporter(folder.path(), reports),
        &dry_run(),
        &mut Vec::new(),
    );
    assert_eq!(exit, Exit::NotWritten);
    assert!(
        fs::read_to_string(dotenv)
            .unwrap()
            .contains("SWR_SYNC_EXIT_CODE=8")
    );
}

#[test]
fn a_worse_code_is_kept_and_the_path_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("output")).unwrap();
    let outcome = Outcome::without_plan(Ending::Refused(Vec::new()));
    let mut log = Vec::new();
    let exit = finish(
        &reporter(folder.path(), ReportPaths::default()),
        &outcome,
        &mut log,
    );
    assert_eq!(exit, Exit::BadInputs);
    let log = String::from_utf8(log).unwrap();
    assert!(log.contains("warning: cannot write"), "{log}");
}

#[test]
fn a_summary_that_cannot_be_written_is_a_warning_only() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("summary")).unwrap();
    let mut log = Vec::new();
    let exit = finish(
        &reporter(folder.path(), ReportPaths::default()),
        &dry_run(),
        &mut log,
    );
    assert_eq!(exit, Exit::Synced);
    let log = String::from_utf8(log).unwrap();
    assert!(log.contains("warning: cannot write"), "{log}");
}

#[test]
fn a_log_that_cannot_be_written_fails_a_green_step() {
    let folder = tempfile::tempdir().unwrap();
    let exit = finish(
        &reporter(folder.path(), ReportPaths::default()),
        &dry_run(),
        &mut Closed,
    );
    assert_eq!(exit, Exit::NotWritten);
}

#[test]
fn files_are_there_before_the_log_speaks_of_them() {
    struct Checks(PathBuf);
    impl Write for Checks {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            assert!(self.0.exists());
            Ok(text.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("summary.md");
    let emission = Emission {
        stdout: "read it".to_owned(),
        files: vec![FileWrite {
            path: path.clone(),
            mode: Mode::Replace,
            purpose: Purpose::Summary,
            text: String::new(),
        }],
    };
    assert!(emit(&emission, &mut Checks(path)).is_empty());
}
