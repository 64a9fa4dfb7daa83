//! What stands in documents: YAML, and fenced blocks of any language.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::Value;

/// All documents of a YAML text.
pub(super) fn yaml(text: &str) -> Result<Vec<Value>, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    Ok(documents.iter().map(plain).collect())
}

fn plain(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Mapping(mapping) => mapping
            .iter()
            .map(|(key, value)| {
                (
                    key.as_str()
                        .map_or_else(|| format!("{key:?}"), str::to_owned),
                    plain(value),
                )
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Yaml::Sequence(entries) => entries.iter().map(plain).collect(),
        Yaml::Tagged(_, inner) => plain(inner),
        Yaml::Value(Scalar::String(text)) => Value::String(text.clone().into_owned()),
        Yaml::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => Value::String(value.to_string()),
        Yaml::Representation(text, ..) => Value::String(text.clone().into_owned()),
        Yaml::Value(Scalar::Null) | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    }
}

/// The fenced blocks of a document in one language.
pub(super) fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let opening = line.trim_start();
        let indent = line.len() - opening.len();
        if let Some(info) = opening.strip_prefix("```") {
            let body = lines.by_ref().take_while(|line| line.trim() != "```");
            let body: Vec<&str> = body
                .map(|line| line.get(indent..).unwrap_or_default())
                .collect();
            if info.trim() == language {
                blocks.push(body.join("\n") + "\n");
            }
        }
    }
    blocks
}
