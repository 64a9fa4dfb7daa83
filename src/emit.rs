//! The only code that prints or writes files.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::defect;
use crate::outcome::{Ending, Exit, Outcome};
use crate::report::Reporter;

/// What to print and which files to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emission {
    /// Goes to the log.
    pub stdout: String,
    /// Goes to files, in order.
    pub files: Vec<FileWrite>,
}

impl Emission {
    /// Only text for the log.
    pub fn text(stdout: String) -> Self {
        Self {
            stdout,
            files: Vec::new(),
        }
    }

    /// Only a file, where there is a path for it.
    pub fn file(path: Option<&PathBuf>, mode: Mode, purpose: Purpose, text: String) -> Self {
        let write = |path: &PathBuf| FileWrite {
            path: path.clone(),
            mode,
            purpose,
            text,
        };
        Self {
            stdout: String::new(),
            files: path.map(write).into_iter().collect(),
        }
    }

    /// Adds another emission behind this one.
    pub fn extend(&mut self, other: Self) {
        self.stdout.push_str(&other.stdout);
        self.files.extend(other.files);
    }
}

/// One file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileWrite {
    /// Where.
    pub path: PathBuf,
    /// How.
    pub mode: Mode,
    /// What hangs on it.
    pub purpose: Purpose,
    /// What.
    pub text: String,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Behind what is there, on a line of its own. The folder has to be there.
    Append,
    /// Instead of what is there, at once and as a whole; a symbolic link is replaced, not followed. Missing folders are made.
    Replace,
}

/// What a file is for, and so what it means when it cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Outputs and reports that a later step reads; without them the step has failed.
    Results,
    /// For people to look at; without it there is a warning.
    Summary,
}

/// Something that could not be written.
#[derive(Debug)]
pub struct WriteFailure {
    /// The path; none for the log itself.
    pub path: Option<PathBuf>,
    /// What it was for.
    pub purpose: Purpose,
    /// Why not.
    pub error: io::Error,
}

impl fmt::Display for WriteFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "cannot write {}: {}", path.display(), self.error),
            None => write!(f, "cannot write to standard output: {}", self.error),
        }
    }
}

/// Writes and prints all of it, files first: what is printed may tell the CI to read them. What fails does not stop the
/// rest; the log goes to standard error where standard output cannot be written.
pub fn emit(emission: &Emission, stdout: &mut dyn Write) -> Vec<WriteFailure> {
    let mut failures = Vec::new();
    for file in &emission.files {
        let written = match file.mode {
            Mode::Append => append(&file.path, &file.text),
            Mode::Replace => replace(&file.path, &file.text),
        };
        if let Err(error) = written {
            failures.push(WriteFailure {
                path: Some(file.path.clone()),
                purpose: file.purpose,
                error,
            });
        }
    }
    let printed = stdout
        .write_all(emission.stdout.as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(error) = printed {
        // Nothing is left to tell a failure of standard error to.
        let _ = io::stderr().write_all(emission.stdout.as_bytes());
        failures.push(WriteFailure {
            path: None,
            purpose: Purpose::Results,
            error,
        });
    }
    failures
}

/// Writes and prints everything that is made of an outcome, and returns the code to exit with. Should that bring a
/// defect of this program to light, the defect is the outcome.
pub fn finish(reporter: &Reporter, outcome: &Outcome, stdout: &mut dyn Write) -> Exit {
    let told = catch_unwind(AssertUnwindSafe(|| tell(reporter, outcome, stdout)));
    told.unwrap_or_else(|panic| {
        let words = defect::describe(&*panic);
        tell(
            reporter,
            &Outcome::without_plan(Ending::Defect(words)),
            stdout,
        )
    })
}

/// Outputs come first, so that a code which only writing them decides can still be told to everyone else.
fn tell(reporter: &Reporter, outcome: &Outcome, stdout: &mut dyn Write) -> Exit {
    let mut exit = outcome.exit();
    let mut failures = emit(&reporter.outputs(outcome, exit), stdout);
    if exit == Exit::Synced && !failures.is_empty() {
        exit = Exit::NotWritten;
        // Once more, for those who would else read the code 0. The first failures are the ones to tell.
        emit(&reporter.outputs(outcome, exit), stdout);
    }
    failures.extend(emit(&reporter.summary(outcome, exit), stdout));
    let untold = emit(&reporter.conclusion(outcome, exit, &failures), stdout);
    if exit == Exit::Synced && !untold.is_empty() {
        exit = Exit::NotWritten;
        emit(&reporter.outputs(outcome, exit), stdout);
    }
    exit
}

/// Appends on a line of its own: what is there may lack its last line break.
fn append(path: &Path, text: &str) -> io::Result<()> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    if is_new {
        give_to_owner_of(folder_of(path), path)?;
    }
    let mut last = [b'\n'];
    if file.metadata()?.is_file() && file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let separator = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{separator}{text}").as_bytes())
}

/// Writes a new file beside the old one and moves it over it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name"))?;
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let folder = folder_of(path);
    create_folders(folder)?;
    let mut temporary_name = OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(format!(".{}", std::process::id()));
    let temporary = folder.join(temporary_name);
    let written = write_new(&temporary, text)
        .and_then(|()| give_to_owner_of(folder, &temporary))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Never through a link that someone put there.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder_of(folder);
    create_folders(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => give_to_owner_of(parent, folder),
    }
}

/// The container runs as root; what it leaves in a user's folder must not need root to be removed.
#[cfg(unix)]
fn give_to_owner_of(folder: &Path, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, lchown};
    let owner = fs::metadata(folder)?;
    match lchown(path, Some(owner.uid()), Some(owner.gid())) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

#[cfg(not(unix))]
fn give_to_owner_of(_folder: &Path, _path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
