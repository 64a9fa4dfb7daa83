//! One truth in many places: the tables in the code, the action files, the documents and the examples say the same.
//!
//! Where a place can be written from the tables, `UPDATE_DOCS=1 cargo test --test integration consistency` writes it.

mod examples;
mod links;
mod messages;
mod readmes;
mod recipes;
mod reliability;
mod tables;
mod texts;

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the project.
fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project.
fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files of the project below a folder, by their path in the project, without what is built or fetched.
fn files_below(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![project().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("it has a name").to_string_lossy();
            if path.is_dir() {
                if !["target", ".git", "node_modules", "__pycache__"].contains(&name.as_ref()) {
                    folders.push(path);
                }
            } else {
                let path = path.strip_prefix(project()).expect("it is in the project");
                found.push(path.to_str().expect("UTF-8").to_owned());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} holds no files");
    found
}

/// Every Markdown document of the project.
fn documents() -> Vec<String> {
    let mut documents = files_below("");
    documents.retain(|path| path.ends_with(".md"));
    assert!(documents.len() > 5, "{documents:?}");
    documents
}

/// Fails with all problems at once, or not at all.
#[track_caller]
fn hold(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
