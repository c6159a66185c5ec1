//! Where each setting comes from: defaults, a file, the environment, flags, in this order; and every problem with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use toml::Value;

/// The annotated defaults, which also say which keys there are and of which type.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// What the names of environment variables begin with.
const ENVIRONMENT_PREFIX: &str = "STRONGROOM__";

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `section.key`, or the name of a file.
    pub key: String,
    /// Where the value came from.
    pub source: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.source, self.message)
    }
}

/// A value and where it came from.
#[derive(Debug, Clone)]
pub struct Setting {
    /// As TOML has it.
    pub value: Value,
    /// `default`, a file's name, an environment variable, or a flag.
    pub source: String,
}

/// All settings, merged.
#[derive(Debug, Clone)]
pub struct Layers {
    settings: BTreeMap<String, Setting>,
    used: BTreeSet<String>,
    /// What was found wrong so far.
    pub problems: Vec<Problem>,
}

impl Layers {
    /// The defaults alone.
    #[must_use]
    pub fn defaults() -> Self {
        let table: toml::Table =
            toml::from_str(DEFAULTS).expect("the compiled-in defaults are TOML; a test reads them");
        let mut settings = BTreeMap::new();
        for (key, value) in flatten(table) {
            settings.insert(key, Setting { value, source: "default".to_owned() });
        }
        Self { settings, used: BTreeSet::new(), problems: Vec::new() }
    }

    /// Lays a file on top. Blocks.
    pub fn file(&mut self, path: &Path) {
        let source = path.display().to_string();
        let read = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"));
        match read.and_then(|text| toml::from_str::<toml::Table>(&text).map_err(|error| error.to_string())) {
            Ok(table) => flatten(table).into_iter().for_each(|(key, value)| self.set(&key, value, &source)),
            Err(message) => self.problem(&source, "the configuration file", message),
        }
    }

    /// Lays environment variables on top.
    pub fn environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, text) in variables {
            let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
                // Somebody's own STRONGROOM_SOMETHING is none of our business; a slip of one underscore is.
                if name.starts_with("STRONGROOM_") && name.contains("__") {
                    let meant = name.replacen("STRONGROOM_", ENVIRONMENT_PREFIX, 1);
                    self.problem(&name, "the environment", format!("means nothing. Did you mean {meant}?"));
                }
                continue;
            };
            let key = path.to_lowercase().replacen("__", ".", 1);
            self.set_text(&key, &text, &name);
        }
    }

    /// Lays one value, given as text, on top.
    pub fn set_text(&mut self, key: &str, text: &str, source: &str) {
        let value = match self.settings.get(key).map(|setting| &setting.value) {
            Some(Value::Integer(_)) => text.trim().parse().map(Value::Integer).map_err(|_| "is not a whole number"),
            Some(Value::Boolean(_)) => text.trim().parse().map(Value::Boolean).map_err(|_| "is neither true nor false"),
            Some(Value::Array(_)) => Ok(Value::Array(
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect(),
            )),
            _ => Ok(Value::from(text)),
        };
        match value {
            Ok(value) => self.set(key, value, source),
            Err(message) => self.problem(key, source, message),
        }
    }

    fn set(&mut self, key: &str, value: Value, source: &str) {
        match self.settings.get_mut(key) {
            None => {
                let near = self.settings.keys().min_by_key(|known| distance(known, key)).cloned();
                let hint = near.filter(|near| distance(near, key) <= 3).map(|near| format!(" Did you mean {near}?"));
                let message = format!("there is no such setting.{}", hint.unwrap_or_default());
                self.problem(key, source, message);
            }
            Some(setting) if setting.value.type_str() != value.type_str() => {
                let message = format!("is a {}, should be a {}", value.type_str(), setting.value.type_str());
                self.problem(key, source, message);
            }
            Some(setting) => *setting = Setting { value, source: source.to_owned() },
        }
    }

    /// Notes that something is wrong.
    pub fn problem(&mut self, key: &str, source: &str, message: impl Into<String>) {
        self.problems.push(Problem { key: key.to_owned(), source: source.to_owned(), message: message.into() });
    }

    /// Notes that a setting is wrong, wherever it came from.
    pub fn wrong(&mut self, key: &str, message: impl Into<String>) {
        let source = self.settings.get(key).map_or_else(|| "default".to_owned(), |setting| setting.source.clone());
        self.problem(key, &source, message);
    }

    /// Every setting, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Setting)> {
        self.settings.iter()
    }

    /// Settings that nothing has asked for.
    pub fn unused(&self) -> impl Iterator<Item = &String> {
        self.settings.keys().filter(|key| !self.used.contains(*key))
    }

    fn value(&mut self, key: &str) -> Value {
        self.used.insert(key.to_owned());
        self.settings.get(key).map(|setting| setting.value.clone()).expect("every key asked for has a default")
    }

    /// A setting that is text.
    pub fn text(&mut self, key: &str) -> String {
        self.value(key).as_str().unwrap_or_default().to_owned()
    }

    /// A setting that is yes or no.
    pub fn flag(&mut self, key: &str) -> bool {
        self.value(key).as_bool().unwrap_or_default()
    }

    /// A setting that is a list of texts.
    pub fn list(&mut self, key: &str) -> Vec<String> {
        let value = self.value(key);
        let items = value.as_array().into_iter().flatten();
        let texts: Vec<String> = items.filter_map(|item| item.as_str().map(str::to_owned)).collect();
        if value.as_array().is_some_and(|items| items.len() != texts.len()) {
            self.wrong(key, "should be a list of texts");
        }
        texts
    }

    /// A setting that is a number within these bounds.
    pub fn number<T: TryFrom<i64> + Default>(&mut self, key: &str, min: i64, max: i64) -> T {
        let value = self.value(key).as_integer().unwrap_or_default();
        if !(min..=max).contains(&value) {
            self.wrong(key, format!("is {value}, should be from {min} to {max}"));
        }
        T::try_from(value.clamp(min, max)).unwrap_or_default()
    }

    /// A setting that is a duration above zero.
    pub fn duration(&mut self, key: &str) -> std::time::Duration {
        let text = self.text(key);
        let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|it| std::time::Duration::try_from(it).ok());
        parsed.filter(|duration| !duration.is_zero()).unwrap_or_else(|| {
            self.wrong(key, format!("\"{text}\" is no duration; write it like \"300ms\", \"15s\", \"10m\" or \"24h\""));
            std::time::Duration::from_secs(1)
        })
    }

    /// A setting that is one of these words.
    pub fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> T {
        let text = self.text(key);
        choices.iter().find(|(word, _)| *word == text).map_or_else(
            || {
                let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
                self.wrong(key, format!("is \"{text}\", should be {}", words.join(" or ")));
                choices[0].1
            },
            |(_, choice)| *choice,
        )
    }
}

fn flatten(table: toml::Table) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (section, value) in table {
        match value {
            Value::Table(table) => {
                flat.extend(table.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)));
            }
            other => flat.push((section, other)),
        }
    }
    flat
}

/// Levenshtein's distance, to guess what was meant.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let substitute = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
