//! Runs the real program with an environment of the test's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use standin::{DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Standin};
use tempfile::TempDir;

/// A run to be: an environment that holds nothing but what is set here, and a folder that is removed at the end.
#[derive(Debug)]
pub(crate) struct Run {
    environment: BTreeMap<String, String>,
    folder: TempDir,
}

impl Run {
    /// Outside of any CI system.
    pub(crate) fn plain() -> Self {
        Self {
            environment: BTreeMap::new(),
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// As the runner of GitHub starts a container action.
    pub(crate) fn github() -> Self {
        let run = Self::plain();
        let files = [
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_STEP_SUMMARY", "summary.md"),
        ];
        let paths: Vec<_> = files
            .iter()
            .map(|(name, file)| (*name, run.path(file)))
            .collect();
        for (_, path) in &paths {
            fs::write(path, "").expect("a file of the runner");
        }
        paths.into_iter().fold(
            run.set("GITHUB_ACTIONS", "true").set("CI", "true"),
            |run, (name, path)| run.set(name, path.to_str().expect("UTF-8")),
        )
    }

    /// Sets a variable.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets an input, spelled as GitHub spells it.
    pub(crate) fn input(self, name: &str, value: &str) -> Self {
        let name = format!("INPUT_{}", name.to_uppercase());
        self.set(&name, value)
    }

    /// Asks the stand-in, with the keys it knows.
    pub(crate) fn against(self, standin: &Standin) -> Self {
        self.input("endpoint", &standin.endpoint())
            .input("access-key", DEMO_ACCESS_KEY)
            .input("secret-key", DEMO_SECRET_KEY)
    }

    /// A path in the folder of the run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the program and does not wait for it.
    pub(crate) fn start(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_swr-image-sync"))
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    /// Runs the program to its end.
    pub(crate) fn run(self) -> Finished {
        let child = self.start();
        self.finish(child)
    }

    /// Waits for a program that was started.
    pub(crate) fn finish(self, child: Child) -> Finished {
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().expect("the program ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Finished {
            code: status.code(),
            stdout: text(stdout),
            stderr: text(stderr),
            run: self,
        }
    }
}

/// A run that is over.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit code; none after a signal that was not handled.
    pub(crate) code: Option<i32>,
    /// The log.
    pub(crate) stdout: String,
    /// Nothing, as long as the log can be written.
    pub(crate) stderr: String,
    run: Run,
}

impl Finished {
    /// A file that the run wrote.
    pub(crate) fn file(&self, name: &str) -> String {
        let path: &Path = &self.run.path(name);
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.stdout))
    }

    /// The outputs of a GitHub step, by the runner's own rule: the last one of a name counts.
    pub(crate) fn outputs(&self) -> BTreeMap<String, String> {
        let text = self.file("output");
        let mut lines = text.lines();
        let mut outputs = BTreeMap::new();
        while let Some(line) = lines.next() {
            let equals = line.find('=').unwrap_or(usize::MAX);
            let heredoc = line.find("<<").unwrap_or(usize::MAX);
            if equals < heredoc {
                let (name, value) = line.split_once('=').expect("it was found");
                outputs.insert(name.to_owned(), value.to_owned());
            } else {
                let (name, delimiter) = line
                    .split_once("<<")
                    .unwrap_or_else(|| panic!("no output: {line:?}"));
                let value: Vec<&str> = lines
                    .by_ref()
                    .take_while(|line| *line != delimiter)
                    .collect();
                outputs.insert(name.to_owned(), value.join("\n"));
            }
        }
        outputs
    }

    /// One output.
    pub(crate) fn output(&self, name: &str) -> String {
        self.outputs()
            .remove(name)
            .unwrap_or_else(|| panic!("no output `{name}`\n{}", self.stdout))
    }

    /// One output, read as JSON.
    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.output(name)).expect("JSON")
    }
}
