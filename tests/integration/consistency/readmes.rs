//! Both READMEs have the tables, and the same parts and code.

use std::fmt::Write;

use swr_image_sync::inputs::Group;
use swr_image_sync::outcome::Exit;
use swr_image_sync::report::outputs::OUTPUTS;

use super::read;
use super::tables::{Row, hold_between, rows};

#[test]
fn the_english_readme_has_the_tables() {
    let mut inputs = String::new();
    for (group, heading) in Group::ALL {
        let _ = write!(
            inputs,
            "\n### {heading}\n\n| Input | Default | Meaning |\n| --- | --- | --- |\n"
        );
        for Row {
            name,
            default,
            help,
            ..
        } in rows().iter().filter(|row| row.group == group)
        {
            assert!(!help.contains('|'), "{name}: a bar would end the cell");
            let _ = writeln!(inputs, "| `{name}` | {default} | {help} |");
        }
    }
    hold_between(
        "README.md",
        "<!-- inputs -->\n",
        "\n<!-- /inputs -->",
        &inputs,
    );

    let mut outputs = "\n| Output | Value |\n| --- | --- |\n".to_owned();
    for (name, meaning) in OUTPUTS {
        let _ = writeln!(outputs, "| `{name}` | {meaning} |");
    }
    hold_between(
        "README.md",
        "<!-- outputs -->\n",
        "\n<!-- /outputs -->",
        &outputs,
    );

    let mut codes = "\n| Code | Meaning |\n| ---: | --- |\n".to_owned();
    for (exit, meaning) in Exit::ALL {
        let _ = writeln!(codes, "| {} | {meaning} |", exit.code());
    }
    hold_between(
        "README.md",
        "<!-- exit codes -->\n",
        "\n<!-- /exit codes -->",
        &codes,
    );
}

/// The cells of the rows between two marks, without headings.
fn cells(path: &str, mark: &str) -> Vec<Vec<String>> {
    let text = read(path);
    let (_, rest) = text
        .split_once(&format!("<!-- {mark} -->"))
        .unwrap_or_else(|| panic!("{path}: {mark} begins"));
    let (between, _) = rest
        .split_once(&format!("<!-- /{mark} -->"))
        .unwrap_or_else(|| panic!("{path}: {mark} ends"));
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in between.lines().filter(|line| line.starts_with('|')) {
        if line.contains("---") {
            // The line before was a heading.
            rows.pop();
            continue;
        }
        let cells = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned());
        rows.push(cells.collect());
    }
    rows
}

fn is_chinese(text: &str) -> bool {
    text.chars()
        .any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character))
}

#[test]
fn the_chinese_readme_has_the_same_names_in_the_same_order() {
    const PATH: &str = "README.zh-CN.md";
    let inputs = cells(PATH, "inputs");
    let names: Vec<String> = rows().iter().map(|row| format!("`{}`", row.name)).collect();
    assert_eq!(
        inputs.iter().map(|row| row[0].clone()).collect::<Vec<_>>(),
        names
    );
    for (cells, row) in inputs.iter().zip(rows()) {
        let [name, default, meaning] = &cells[..] else {
            panic!("{cells:?}")
        };
        assert!(is_chinese(meaning), "{name} has no meaning in Chinese");
        if row.default.contains(' ') {
            assert!(
                is_chinese(default),
                "{name}: what stands in for its default is missing"
            );
        } else {
            assert_eq!(*default, row.default, "{name}");
        }
        // Values and names of other inputs stay as they are.
        let code = |text: &str| -> Vec<String> {
            let mut code: Vec<String> = text
                .split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect();
            code.sort();
            code
        };
        assert_eq!(code(meaning), code(&row.help), "{name}");
    }
    let outputs = cells(PATH, "outputs");
    let names: Vec<String> = OUTPUTS
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    assert_eq!(
        outputs.iter().map(|row| row[0].clone()).collect::<Vec<_>>(),
        names
    );
    let codes = cells(PATH, "exit codes");
    let numbers: Vec<String> = Exit::ALL
        .iter()
        .map(|(exit, _)| exit.code().to_string())
        .collect();
    assert_eq!(
        codes.iter().map(|row| row[0].clone()).collect::<Vec<_>>(),
        numbers
    );
    for row in outputs.iter().chain(&codes) {
        assert!(is_chinese(&row[1]), "{} has no meaning in Chinese", row[0]);
    }
}

#[test]
fn both_readmes_have_the_same_parts() {
    let shape = |path: &str| -> Vec<String> {
        let text = read(path);
        let mut fenced = false;
        let lines = text.lines().filter_map(|line| {
            if line.starts_with("```") {
                fenced = !fenced;
                return Some(line.to_owned());
            }
            let level = line
                .chars()
                .take_while(|character| *character == '#')
                .count();
            (!fenced && level > 0).then(|| "#".repeat(level))
        });
        lines.collect()
    };
    assert_eq!(
        shape("README.zh-CN.md"),
        shape("README.md"),
        "headings and code blocks differ"
    );
    let code = |path: &str| -> Vec<String> {
        let text = read(path);
        let blocks = text.split("\n```").skip(1).step_by(2);
        // Comments may be translated.
        blocks
            .flat_map(str::lines)
            .map(|line| {
                line.split(" # ")
                    .next()
                    .unwrap_or_default()
                    .trim_end()
                    .to_owned()
            })
            .filter(|line| !line.trim_start().starts_with('#'))
            .collect()
    };
    assert_eq!(
        code("README.zh-CN.md"),
        code("README.md"),
        "code blocks differ"
    );
}
