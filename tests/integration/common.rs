//! Runs the real program with an environment of the test's own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use standin::{DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Standin};
use tempfile::TempDir;

use crate::secrets;

/// A run to be: an environment that holds nothing but what is set here, and a folder that is removed at the end.
#[derive(Debug)]
pub(crate) struct Run {
    environment: BTreeMap<String, String>,
    folder: TempDir,
    /// The files in the folder when the program was started.
    before: RefCell<BTreeMap<PathBuf, Vec<u8>>>,
}

impl Run {
    /// Outside of any CI system.
    pub(crate) fn plain() -> Self {
        Self {
            environment: BTreeMap::new(),
            folder: tempfile::tempdir().expect("a temporary folder"),
            before: RefCell::default(),
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
        self.before.replace(files(self.folder.path()));
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
        let finished = Finished {
            code: status.code(),
            stdout: text(stdout),
            stderr: text(stderr),
            run: self,
        };
        let given = finished.run.environment.iter();
        let given = given.filter(|(name, _)| secrets::is_secret(name));
        let given: Vec<String> = given.map(|(_, value)| value.clone()).collect();
        finished.assert_hides(&given);
        finished
    }
}

/// All files in a folder and those below it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            // What stands there without being a file, such as a FIFO, has no content.
            found.insert(path.clone(), fs::read(&path).expect("a readable file"));
        }
    }
    found
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
    /// Fails where a secret is shown, or stands in a file that the run wrote. Every run is held to the secrets in its
    /// environment.
    pub(crate) fn assert_hides(&self, secrets: &[String]) {
        let written = self.written().into_iter();
        let written = written.map(|(path, content)| (path.display().to_string(), content));
        let shown = [("stdout", &self.stdout), ("stderr", &self.stderr)];
        let shown = shown.map(|(name, text)| (name.to_owned(), text.clone()));
        for (name, text) in shown.into_iter().chain(written) {
            if let Some(line) = secrets::leak(&text, secrets) {
                panic!("{name} shows a secret: {line}");
            }
        }
    }

    /// The folder of the run.
    pub(crate) fn folder(&self) -> &Path {
        self.run.folder.path()
    }

    /// Every file that the run wrote or changed, by its path within the folder.
    pub(crate) fn written(&self) -> BTreeMap<PathBuf, String> {
        let before = self.run.before.borrow();
        files(self.folder())
            .into_iter()
            .filter(|(path, content)| before.get(path) != Some(content))
            .map(|(path, content)| {
                let path = path.strip_prefix(self.folder()).expect("within the folder");
                (
                    path.to_owned(),
                    String::from_utf8_lossy(&content).into_owned(),
                )
            })
            .collect()
    }

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

    /// The state of each tag of each pair, in order.
    pub(crate) fn states(&self) -> Vec<String> {
        let results = self.json("results");
        let pairs = results.as_array().expect("an array").iter();
        let tags = pairs.flat_map(|pair| pair["tags"].as_array().expect("an array"));
        tags.map(|tag| tag["state"].as_str().expect("a state").to_owned())
            .collect()
    }

    /// One output, read as JSON.
    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.output(name)).expect("JSON")
    }
}
