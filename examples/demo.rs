//! The program at work, on this machine alone: an imitation of SWR is started, and the real program runs against it as
//! a step of GitHub would, once with success and once with a tag that fails.
//!
//! `cargo run --example demo`

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use standin::{DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Standin, Sync, SyncRule, World};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let target = std::env::current_exe()?
        .ancestors()
        .nth(3)
        .ok_or("this runs from the target folder")?
        .to_owned();
    build()?;
    let program = target
        .join("debug")
        .join(format!("swr-image-sync{}", std::env::consts::EXE_SUFFIX));
    let standin = Standin::start(World::demo());
    say(
        "An imitation of SWR runs here, with images in cn-north-4 and organizations in two more regions.",
    );

    heading("1. A step that succeeds: two images, two targets");
    let images = "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0\nswr.cn-north-4.myhuaweicloud.com/team/backend/api:v1";
    let success = [
        ("images", images),
        ("targets", "cn-east-3, ap-southeast-3"),
        ("wait", "true"),
    ];
    step(&program, &target.join("demo/success"), &standin, &success)?;

    heading("2. A step that fails: SWR names a tag in its answer");
    standin.rule(SyncRule::tag("latest", Sync::named_and_failing()));
    let images = "swr.cn-north-4.myhuaweicloud.com/team/app";
    let failure = [
        ("images", images),
        ("tags", "1.0.0, latest"),
        ("targets", "cn-east-3, ap-southeast-3"),
        ("retries", "1"),
    ];
    step(&program, &target.join("demo/failure"), &standin, &failure)
}

/// Builds the program that is shown; `cargo run --example` alone builds only its library.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells its own path to what it runs"
)]
fn build() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let built = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--bin",
            "swr-image-sync",
            "--manifest-path",
            manifest,
        ])
        .status()?;
    if built.success() {
        Ok(())
    } else {
        Err("the program could not be built".into())
    }
}

/// Runs the program with the environment that GitHub gives a step, and shows all that it leaves behind.
fn step(program: &Path, folder: &Path, standin: &Standin, inputs: &[(&str, &str)]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let (outputs, summary) = (folder.join("outputs"), folder.join("summary.md"));
    fs::write(&outputs, "")?;
    fs::write(&summary, "")?;
    let endpoint = standin.endpoint();
    let given = [
        ("endpoint", endpoint.as_str()),
        ("access-key", DEMO_ACCESS_KEY),
        ("secret-key", DEMO_SECRET_KEY),
    ];
    say("with:");
    for (name, value) in inputs {
        say(&format!("  {name}: {}", value.replace('\n', ", ")));
    }
    say("\n--- log, with the annotations among it (lines that begin with ::) ---");
    let variables = given
        .iter()
        .chain(inputs)
        .map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), *value));
    let status = Command::new(program)
        .env_clear()
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &outputs)
        .env("GITHUB_STEP_SUMMARY", &summary)
        .envs(variables)
        .status()?;
    say(&format!(
        "--- exit code {} ---",
        status.code().unwrap_or(-1)
    ));
    say("\n--- outputs, as a later step reads them ---");
    for (name, value) in read_outputs(&fs::read_to_string(&outputs)?) {
        say(&format!("{name}: {value}"));
    }
    say("\n--- job summary ---");
    let markdown = fs::read_to_string(&summary)?;
    say(markdown.trim_end());
    let page = folder.join("summary.html");
    fs::write(&page, html(&markdown))?;
    say(&format!("--- rendered: {} ---", page.display()));
    Ok(())
}

/// The records of an output file: `name<<delimiter`, the value, the delimiter.
fn read_outputs(text: &str) -> Vec<(&str, &str)> {
    let mut lines = text.lines();
    let mut outputs = Vec::new();
    while let Some((name, delimiter)) = lines.next().and_then(|line| line.split_once("<<")) {
        outputs.push((name, lines.next().unwrap_or_default()));
        lines
            .by_ref()
            .take_while(|line| *line != delimiter)
            .for_each(drop);
    }
    outputs
}

/// A page that looks roughly as GitHub shows a summary.
fn html(markdown: &str) -> String {
    let mut body = String::new();
    pulldown_cmark::html::push_html(
        &mut body,
        pulldown_cmark::Parser::new_ext(markdown, pulldown_cmark::Options::ENABLE_TABLES),
    );
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title>Job summary</title><style>\
         body{{font:16px/1.5 sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#1f2328}}\
         table{{border-collapse:collapse}}td,th{{border:1px solid #d1d9e0;padding:6px 13px;text-align:left;vertical-align:top}}\
         tr:nth-child(even) td{{background:#f6f8fa}}pre,code{{background:#eff1f3;border-radius:6px;padding:.2em .4em}}\
         pre{{padding:1em;overflow:auto}}pre code{{padding:0}}h1,h2,h3{{border-bottom:1px solid #d1d9e0;padding-bottom:.3em}}\
         </style>{body}"
    )
}

fn heading(text: &str) {
    say(&format!("\n=== {text} ===\n"));
}

#[expect(clippy::print_stdout, reason = "a demo is there to be read")]
fn say(text: &str) {
    println!("{text}");
}
