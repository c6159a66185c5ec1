//! Documents and variables that are made to hurt: each is answered at once, on a stack smaller than a worker's.

use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

use async_graphql::Value;
use serde_json::{Map, Value as Json};

use super::*;
use crate::config::{Config, Layers};

mod documents;
mod variables;

/// Of a thread that takes requests there are 2 MiB, and what stands above the intake needs some.
const STACK: usize = 1 << 20;
/// Each takes milliseconds; this is for a slow machine.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What became of an operation: accepted, or the codes and messages of its errors.
type Outcome = Result<(), Vec<(String, String)>>;

/// Prepares operations, given as documents and variables in JSON, and shows how long each takes.
fn prepare_all(production: bool, operations: Vec<(String, String, String)>) -> Vec<(String, Outcome)> {
    let work = move || {
        let intake = Intake::new(Config::read(Layers::defaults()).unwrap().limits, production);
        let prepare = |(name, query, variables): (String, String, String)| {
            let started = Instant::now();
            let outcome = prepare(&intake, query, &variables);
            let took = started.elapsed();
            println!("{took:>12.2?}  {} {name}", if outcome.is_ok() { "accepted" } else { "refused " });
            assert!(took < AT_ONCE, "{name} took {took:?}");
            (name, outcome)
        };
        operations.into_iter().map(prepare).collect()
    };
    thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap()
}

fn prepare(intake: &Intake, query: String, variables: &str) -> Outcome {
    let Ok(variables) = serde_json::from_str::<Map<String, Json>>(variables) else {
        return Err(vec![("JSON".to_owned(), String::new())]);
    };
    let prepared = intake.prepare(GraphqlRequest { query, variables, operation_name: None });
    let seen = |error: ServerError| match error.extensions.unwrap().get("code") {
        Some(Value::String(code)) => (code.clone(), error.message),
        other => panic!("{other:?} is no code: {}", error.message),
    };
    prepared.map(drop).map_err(|errors| errors.into_iter().map(seen).collect())
}

fn documents(documents: Vec<(&str, String)>) -> Vec<(String, Outcome)> {
    prepare_all(false, documents.into_iter().map(|(name, query)| (name.to_owned(), query, "{}".to_owned())).collect())
}

/// Every one is refused, in bounds, for one of these reasons.
fn all_refused(outcomes: Vec<(String, Outcome)>, codes: &[&str]) {
    for (name, outcome) in outcomes {
        let errors = outcome.expect_err(&name);
        assert!((1..=MOST_ERRORS).contains(&errors.len()), "{name}: {} errors", errors.len());
        for (code, message) in errors {
            assert!(codes.contains(&code.as_str()), "{name}: {code}: {message}");
            assert!(message.len() <= LONGEST_MESSAGE + 10, "{name}: {message}");
        }
    }
}

const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";
const UNREADABLE: &str = "GRAPHQL_PARSE_FAILED";

/// `count` times, with `#` as a running number.
fn many(count: usize, text: &str) -> String {
    (0..count).fold(String::new(), |mut all, i| {
        let _ = write!(all, "{} ", text.replace('#', &i.to_string()));
        all
    })
}

/// A chain of fragments, each of which spreads the next so many times; the last one holds this.
fn chain(length: usize, spreads: usize, last: &str) -> String {
    let mut text = "{ ...f0 }".to_owned();
    for i in 0..length {
        let _ = write!(text, " fragment f{i} on Query {{ {} }}", format!("...f{} ", i + 1).repeat(spreads));
    }
    text + &format!(" fragment f{length} on Query {{ {last} }}")
}
