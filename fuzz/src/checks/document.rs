//! What holds whatever document and variables come. The input: a document; behind a NUL character variables in JSON;
//! behind another the name of an operation.

use std::sync::OnceLock;

use async_graphql::{ServerError, Value};
use serde_json::{Map, Value as Json};
use strongroom::{
    config::{Config, Layers},
    graphql::{GraphqlRequest, Intake, Prepared},
};

/// Prepares the operation in both modes.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut pieces = text.splitn(3, '\0');
    let query = pieces.next().unwrap_or_default().to_owned();
    let variables = pieces.next().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let operation_name = pieces.next().map(str::to_owned);
    prepare(query, variables, operation_name);
}

/// Prepares the operation in both modes.
pub fn prepare(query: String, variables: Map<String, Json>, operation_name: Option<String>) {
    static INTAKES: OnceLock<[Intake; 2]> = OnceLock::new();
    let [development, production] = INTAKES.get_or_init(|| {
        let limits = Config::read(Layers::defaults()).expect("the defaults are right").limits;
        [Intake::new(limits.clone(), false), Intake::new(limits, true)]
    });
    let request = GraphqlRequest { query, operation_name, variables };
    let shown = development.prepare(request.clone());
    let hidden = production.prepare(request);
    judge(&shown);
    judge(&hidden);
    match (shown, hidden) {
        (Ok(shown), Ok(hidden)) => assert_eq!(shown.kind(), hidden.kind()),
        (Err(_), Ok(_)) => panic!("production accepts what development refuses"),
        (_, Err(errors)) => {
            assert!(!errors.iter().any(|error| error.message.contains("Did you mean")), "{errors:?}");
        }
    }
}

/// A refusal says why, in bounds, and with a code.
fn judge(prepared: &Result<Prepared, Vec<ServerError>>) {
    let Err(errors) = prepared else { return };
    assert!((1..=20).contains(&errors.len()), "{} errors", errors.len());
    for error in errors {
        assert!(error.message.len() <= 1024, "{}", error.message);
        assert!(error.locations.len() <= 2 && error.path.is_empty(), "{error:?}");
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        let Some(Value::String(code)) = code else { panic!("no code: {error:?}") };
        assert!(
            ["GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"].contains(&code.as_str()),
            "{code}"
        );
    }
}
