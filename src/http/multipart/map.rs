//! The part `map`: which file part stands for which variables.

use std::collections::HashSet;

use serde_json::{Map, Value};

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
        let map: Map<String, Value> = serde_json::from_slice(json).map_err(|_| SHAPE)?;
        if map.len() > max_files {
            return Err(format!("One request may hold at most {max_files} files."));
        }
        let mut seen = HashSet::new();
        let mut parts = Vec::with_capacity(map.len());
        for (name, value) in map {
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

    /// Puts the ticket of each part where its paths lead. Each has to lead to a null.
    pub fn fill(&self, variables: &mut Map<String, Value>, ticket: impl Fn(usize) -> String) -> Result<(), String> {
        for (index, (_, paths)) in self.0.iter().enumerate() {
            for path in paths {
                match target(variables, path)? {
                    null @ Value::Null => *null = Value::String(ticket(index)),
                    _ => return Err(format!("The path {:?} leads to a variable that is not null.", shown(path))),
                }
            }
        }
        Ok(())
    }
}

/// Walks a path like `variables.files.0`: keys of objects and indexes of arrays, nothing else.
fn target<'a>(variables: &'a mut Map<String, Value>, path: &str) -> Result<&'a mut Value, String> {
    let nowhere = || format!("The path {:?} leads nowhere.", shown(path));
    let mut steps = path.split('.');
    if steps.next() != Some("variables") {
        return Err(format!("The path {:?} does not begin with `variables`.", shown(path)));
    }
    let mut target = steps.next().and_then(|name| variables.get_mut(name)).ok_or_else(nowhere)?;
    for step in steps {
        target = match target {
            Value::Object(fields) => fields.get_mut(step),
            Value::Array(items) => index(step).and_then(|index| items.get_mut(index)),
            _ => None,
        }
        .ok_or_else(nowhere)?;
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

    fn filled(map: &Value, variables: Value) -> Result<Value, String> {
        let map = FileMap::parse(map.to_string().as_bytes(), 3, 5)?;
        let Value::Object(mut variables) = variables else { panic!("variables are an object") };
        map.fill(&mut variables, |index| format!("#{index}"))?;
        Ok(Value::Object(variables))
    }

    #[test]
    fn tickets_stand_where_the_paths_lead() {
        assert_eq!(filled(&json!({"0": ["variables.file"]}), json!({"file": null})), Ok(json!({"file": "#0"})));
        assert_eq!(
            filled(
                &json!({"a": ["variables.input.files.1.file"], "b": ["variables.input.files.0.file", "variables.x"]}),
                json!({"input": {"files": [{"file": null}, {"file": null}]}, "x": null}),
            ),
            Ok(json!({"input": {"files": [{"file": "#1"}, {"file": "#0"}]}, "x": "#1"})),
        );
        assert_eq!(filled(&json!({}), json!({"x": null})), Ok(json!({"x": null})));
    }

    #[test]
    fn keys_that_mean_something_elsewhere_are_only_keys() {
        assert!(filled(&json!({"0": ["variables.__proto__.x"]}), json!({})).is_err());
        assert!(filled(&json!({"0": ["variables.a.length"]}), json!({"a": [null]})).is_err());
        assert_eq!(
            filled(&json!({"0": ["variables.__proto__"]}), json!({"__proto__": null})),
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
            assert!(filled(&json!({"0": [path]}), variables.clone()).is_err(), "{path}");
        }
    }

    #[test]
    fn a_path_stands_once() {
        let variables = json!({"file": null});
        assert!(filled(&json!({"0": ["variables.file", "variables.file"]}), variables.clone()).is_err());
        assert!(filled(&json!({"0": ["variables.file"], "1": ["variables.file"]}), variables).is_err());
    }

    #[test]
    fn the_shape_and_the_limits_are_kept() {
        for map in [json!([]), json!(1), json!({"0": "variables.a"}), json!({"0": [1]}), json!({"0": {}})] {
            assert!(filled(&map, json!({"a": null})).is_err(), "{map}");
        }
        assert!(FileMap::parse(b"{", 3, 5).is_err());
        assert!(filled(&json!({"0": [], "1": [], "2": []}), json!({})).is_ok());
        assert!(filled(&json!({"0": [], "1": [], "2": [], "3": []}), json!({})).is_err());
        assert!(FileMap::parse(br#"{"0":["a","b","c","d","e"]}"#, 3, 5).is_ok());
        assert!(FileMap::parse(br#"{"0":["a","b","c"],"1":["d"],"2":["e"]}"#, 3, 5).is_ok());
        assert!(FileMap::parse(format!("{{\"0\":[{}{{}}]}}", "{},".repeat(100_000)).as_bytes(), 3, 5).is_err());
        assert!(FileMap::parse(br#"{"0":["a","b","c","d","e","f"]}"#, 3, 5).is_err());
    }
}
