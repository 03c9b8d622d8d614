//! The documents of `tests/contract`, and whether a value fits one of them.

use std::collections::BTreeMap;

use clerk_actor_tokens::serde_json::{self, Value, json};
use jsonschema::{Registry, Validator};

const DOCUMENTS: [&str; 8] = [
    include_str!("../../contract/actor-token.json"),
    include_str!("../../contract/create-actor-token.json"),
    include_str!("../../contract/errors.json"),
    include_str!("../../contract/get-session-list.json"),
    include_str!("../../contract/get-session.json"),
    include_str!("../../contract/revoke-actor-token.json"),
    include_str!("../../contract/revoke-session.json"),
    include_str!("../../contract/session.json"),
];

/// The documents by their names.
#[derive(Clone)]
pub(crate) struct Contract(pub(crate) BTreeMap<String, Value>);

/// Whether a value fits: `errors`, `actor-token` or `session`, or a part of an operation, such as `get-session/404`. An
/// error says where it does not, and quotes nothing: the value may hold a credential.
pub(crate) fn fits(schema: &str, value: &Value) -> Result<(), String> {
    let validator = Contract::published().validator(schema);
    let misfits: Vec<_> =
        validator.iter_errors(value).map(|misfit| format!("{}: {}", misfit.instance_path(), misfit.masked())).collect();
    if misfits.is_empty() { Ok(()) } else { Err(format!("{schema}: {}", misfits.join("; "))) }
}

/// Whether this answer of the operation is described.
pub(crate) fn is_described(operation: &str, status: u16) -> bool {
    Contract::published().0.get(operation).is_some_and(|it| it["$defs"].get(status.to_string()).is_some())
}

impl Contract {
    pub(crate) fn published() -> Self {
        let documents = DOCUMENTS.map(|text| serde_json::from_str::<Value>(text).unwrap());
        Self(documents.map(|document| (name_of(&document), document)).into())
    }

    pub(crate) fn validator(&self, schema: &str) -> Validator {
        let mut registry = Registry::new();
        for (name, document) in &self.0 {
            registry = registry.add(format!("contract:{name}"), document.clone()).unwrap();
        }
        let registry = registry.prepare().unwrap();
        let reference = match schema.split_once('/') {
            Some((operation, part)) => format!("contract:{operation}#/$defs/{part}"),
            None => format!("contract:{schema}"),
        };
        let options = jsonschema::draft202012::options().offline().with_registry(&registry);
        options.build(&json!({ "$ref": reference })).unwrap_or_else(|error| panic!("{schema}: {error}"))
    }
}

fn name_of(document: &Value) -> String {
    document["$id"].as_str().and_then(|id| id.strip_prefix("contract:")).unwrap().to_owned()
}

#[test]
fn each_document_is_a_schema_of_the_draft_that_it_names() {
    for (name, document) in Contract::published().0 {
        assert_eq!(document["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert!(jsonschema::draft202012::meta::is_valid(&document), "{name}");
    }
}

#[test]
fn each_document_of_the_folder_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contract");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let mut names: Vec<_> = Contract::published().0.into_keys().map(|name| format!("{name}.json")).collect();
    names.sort();
    assert_eq!(files, names);
}
