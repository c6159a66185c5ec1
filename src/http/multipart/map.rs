//! The part `map`: which file part stands for which variables.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::graphql::json_holds_at_most;

/// Parts by name, each with the paths of its variables.
#[derive(Debug)]
pub struct FileMap(Vec<(String, Vec<String>)>);

impl FileMap {
    /// Reads the part. The error is a sentence for people.
    pub fn parse(json: &[u8], max_files: usize, max_paths: usize) -> Result<Self, String> {
        const SHAPE: &str =
            "The part `map` has to be a JSON object of arrays of paths, like {\"0\": [\"variables.file\"]}.";
        // A list for each file, and a path with its comma; before more is made of a text that may be long.
        if !json_holds_at_most(2 + 2 * max_files + max_paths, json) {
            return Err(format!("The part `map` may hold at most {max_files} files and {max_paths} paths."));
        }
        let Entries(entries) = serde_json::from_slice(json).map_err(|_| SHAPE)?;
        if entries.len() > max_files {
            return Err(format!("One request may hold at most {max_files} files."));
        }
        let (mut seen, mut names) = (HashSet::new(), HashSet::new());
        let mut parts = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            if !names.insert(name.clone()) {
                return Err(format!("The name {:?} stands twice in `map`.", shown(&name)));
            }
            let Value::Array(values) = value else { return Err(SHAPE.to_owned()) };
            let mut paths = Vec::with_capacity(values.len());
            for value in values {
                let Value::String(path) = value else { return Err(SHAPE.to_owned()) };
                if !seen.insert(path.clone()) {
                    return Err(format!("The path {:?} stands twice in `map`.", shown(&path)));
                }
                if seen.len() > max_paths {
                    return Err(format!("The part `map` may hold at most {max_paths} paths."));
                }
                paths.push(path);
            }
            parts.push((name, paths));
        }
        Ok(Self(parts))
    }

    /// How many parts are announced.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which of the announced parts bears this name.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(known, _)| known == name)
    }

    /// The name of an announced part.
    #[must_use]
    pub fn name(&self, index: usize) -> &str {
        &self.0[index].0
    }

    /// Puts the ticket of each part where its paths lead within the operations. Each has to lead to a null.
    pub fn fill(&self, operations: &mut Value, ticket: impl Fn(usize) -> Value) -> Result<(), String> {
        for (index, (_, paths)) in self.0.iter().enumerate() {
            for path in paths {
                match target(operations, path)? {
                    null @ Value::Null => *null = ticket(index),
                    _ => return Err(format!("The path {:?} leads to a variable that is not null.", shown(path))),
                }
            }
        }
        Ok(())
    }
}

/// The entries of a JSON object, those of one name too.
struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// Walks a path like `variables.files.0`, or in a batch like `1.variables.file`: keys of objects and indexes of arrays,
/// nothing else, and nothing but variables.
fn target<'a>(operations: &'a mut Value, path: &str) -> Result<&'a mut Value, String> {
    let mut steps = path.split('.').peekable();
    let mut target = match operations {
        Value::Array(batch) => {
            steps.next().and_then(index).and_then(|index| batch.get_mut(index)).ok_or_else(|| {
                format!("The path {:?} does not begin with the index of an operation of the batch.", shown(path))
            })?
        }
        operation => operation,
    };
    if steps.peek() != Some(&"variables") {
        return Err(format!("The path {:?} does not lead to `variables`.", shown(path)));
    }
    for step in steps {
        target = match target {
            Value::Object(fields) => fields.get_mut(step),
            Value::Array(items) => index(step).and_then(|index| items.get_mut(index)),
            _ => None,
        }
        .ok_or_else(|| format!("The path {:?} leads nowhere.", shown(path)))?;
    }
    Ok(target)
}

/// Decimal digits, in the one way to write them.
fn index(text: &str) -> Option<usize> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn shown(path: &str) -> &str {
    path.char_indices().nth(100).map_or(path, |(end, _)| &path[..end])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(map: &Value, variables: &Value) -> Result<Value, String> {
        filled_in(map, json!({ "query": null, "variables": variables }))
            .map(|mut operations| operations["variables"].take())
    }

    fn filled_in(map: &Value, mut operations: Value) -> Result<Value, String> {
        FileMap::parse(map.to_string().as_bytes(), 3, 5)?.fill(&mut operations, |index| format!("#{index}").into())?;
        Ok(operations)
    }

    #[test]
    fn in_a_batch_a_path_begins_with_the_index_of_its_operation() {
        let batch = || json!([{ "variables": { "a": null } }, { "variables": { "b": [null] } }]);
        assert_eq!(
            filled_in(&json!({"x": ["0.variables.a"], "y": ["1.variables.b.0"]}), batch()),
            Ok(json!([{ "variables": { "a": "#0" } }, { "variables": { "b": ["#1"] } }])),
        );
        for path in ["variables.a", "2.variables.a", "00.variables.a", "0.query", "0", "", "0.0.variables.a"] {
            assert!(filled_in(&json!({"x": [path]}), batch()).is_err(), "{path}");
        }
        assert!(filled_in(&json!({"x": ["0.variables.a"]}), json!({ "variables": { "a": null } })).is_err());
    }

    #[test]
    fn tickets_stand_where_the_paths_lead() {
        assert_eq!(filled(&json!({"0": ["variables.file"]}), &json!({"file": null})), Ok(json!({"file": "#0"})));
        assert_eq!(
            filled(
                &json!({"a": ["variables.input.files.1.file"], "b": ["variables.input.files.0.file", "variables.x"]}),
                &json!({"input": {"files": [{"file": null}, {"file": null}]}, "x": null}),
            ),
            Ok(json!({"input": {"files": [{"file": "#1"}, {"file": "#0"}]}, "x": "#1"})),
        );
        assert_eq!(filled(&json!({}), &json!({"x": null})), Ok(json!({"x": null})));
    }

    #[test]
    fn keys_that_mean_something_elsewhere_are_only_keys() {
        assert!(filled(&json!({"0": ["variables.__proto__.x"]}), &json!({})).is_err());
        assert!(filled(&json!({"0": ["variables.a.length"]}), &json!({"a": [null]})).is_err());
        assert_eq!(
            filled(&json!({"0": ["variables.__proto__"]}), &json!({"__proto__": null})),
            Ok(json!({"__proto__": "#0"})),
        );
    }

    #[test]
    fn a_path_has_to_lead_to_a_null() {
        let variables = json!({"file": null, "files": [null], "text": "x", "input": {}});
        for path in [
            "",
            "variables",
            "variables.",
            "variables.other",
            "variables.text",
            "variables.text.x",
            "variables.file.x",
            "variables.input",
            "variables.input.file",
            "variables.files",
            "variables.files.1",
            "variables.files.00",
            "variables.files.+0",
            "variables.files.-1",
            "variables.files.",
            "variables.files.18446744073709551616",
            "query",
            "0.variables.file",
            "Variables.file",
        ] {
            assert!(filled(&json!({"0": [path]}), &variables).is_err(), "{path}");
        }
    }

    #[test]
    fn a_path_stands_once() {
        let variables = json!({"file": null});
        assert!(filled(&json!({"0": ["variables.file", "variables.file"]}), &variables).is_err());
        assert!(filled(&json!({"0": ["variables.file"], "1": ["variables.file"]}), &variables).is_err());
    }

    #[test]
    fn the_shape_and_the_limits_are_kept() {
        for map in [json!([]), json!(1), json!({"0": "variables.a"}), json!({"0": [1]}), json!({"0": {}})] {
            assert!(filled(&map, &json!({"a": null})).is_err(), "{map}");
        }
        assert!(FileMap::parse(b"{", 3, 5).is_err());
        assert!(FileMap::parse(br#"{"0":["a"],"0":["b"]}"#, 3, 5).is_err());
        assert!(filled(&json!({"0": [], "1": [], "2": []}), &json!({})).is_ok());
        assert!(filled(&json!({"0": [], "1": [], "2": [], "3": []}), &json!({})).is_err());
        assert!(FileMap::parse(br#"{"0":["a","b","c","d","e"]}"#, 3, 5).is_ok());
        assert!(FileMap::parse(br#"{"0":["a","b","c"],"1":["d"],"2":["e"]}"#, 3, 5).is_ok());
        assert!(FileMap::parse(format!("{{\"0\":[{}{{}}]}}", "{},".repeat(100_000)).as_bytes(), 3, 5).is_err());
        assert!(FileMap::parse(br#"{"0":["a","b","c","d","e","f"]}"#, 3, 5).is_err());
    }
}
