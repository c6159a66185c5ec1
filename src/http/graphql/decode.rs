//! The parameters of a GraphQL request: from JSON, or from the query of a URL. What is wrong is said in a sentence.

use std::borrow::Cow;

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::graphql::{GraphqlRequest, json_holds_at_most};

/// Reads JSON of at most so many values.
pub fn json(text: &[u8], values: usize) -> Result<Value, Cow<'static, str>> {
    if !json_holds_at_most(values, text) {
        return Err(format!("The JSON of a request may hold at most {values} values.").into());
    }
    serde_json::from_slice(text).map_err(|_| "The request is not valid JSON.".into())
}

/// What a request holds.
#[derive(Debug)]
pub enum Operations {
    /// One operation.
    One(GraphqlRequest),
    /// Several, in a JSON array.
    Batch(Vec<GraphqlRequest>),
}

/// A JSON body, or the part `operations` of a multipart request. A batch has at most so many operations; 1: there are no
/// batches.
pub fn operations(value: Value, most: usize) -> Result<Operations, Cow<'static, str>> {
    match value {
        Value::Array(_) if most == 1 => Err("Batching is off: send one operation a request.".into()),
        Value::Array(batch) if batch.len() > most => Err(format!("A batch may hold at most {most} operations.").into()),
        Value::Array(batch) if batch.is_empty() => Err("The batch holds no operation.".into()),
        Value::Array(batch) => Ok(Operations::Batch(batch.into_iter().map(operation).collect::<Result<_, _>>()?)),
        value => Ok(Operations::One(operation(value)?)),
    }
}

/// One operation in JSON: also the payload of a `subscribe`.
pub fn operation(value: Value) -> Result<GraphqlRequest, &'static str> {
    match value {
        Value::Object(mut fields) => from_fields(&mut fields),
        _ => Err("The request has to be a JSON object with a `query`."),
    }
}

/// Clients that send a hash first know this message, and send the whole document then
/// (<https://www.apollographql.com/docs/apollo-server/performance/apq>).
const NO_PERSISTED_QUERIES: &str = "PersistedQueryNotSupported";

/// The query of a URL.
pub fn from_query(query: &str) -> Result<GraphqlRequest, &'static str> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = match &*name {
            "operationName" | "variables" | "extensions" if value.is_empty() => Value::Null,
            "query" | "operationName" => Value::String(value.into_owned()),
            "variables" | "extensions" => {
                serde_json::from_str(&value).map_err(|_| "`variables` and `extensions` have to be JSON.")?
            }
            _ => continue,
        };
        if fields.insert(name.into_owned(), value).is_some() {
            return Err("A parameter stands twice in the URL.");
        }
    }
    from_fields(&mut fields)
}

fn from_fields(fields: &mut Map<String, Value>) -> Result<GraphqlRequest, &'static str> {
    let extensions = object(fields.remove("extensions")).ok_or("`extensions` has to be an object.")?;
    let query = match fields.remove("query") {
        Some(Value::String(query)) => query,
        Some(Value::Null) | None if extensions.contains_key("persistedQuery") => return Err(NO_PERSISTED_QUERIES),
        Some(_) => return Err("`query` has to be a string."),
        None => return Err("`query` is missing."),
    };
    let operation_name = match fields.remove("operationName") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Null) | None => None,
        Some(_) => return Err("`operationName` has to be a string."),
    };
    let variables = object(fields.remove("variables")).ok_or("`variables` has to be an object.")?;
    Ok(GraphqlRequest { query, operation_name, variables })
}

fn object(value: Option<Value>) -> Option<Map<String, Value>> {
    match value {
        Some(Value::Object(fields)) => Some(fields),
        Some(Value::Null) | None => Some(Map::new()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_json(body: &[u8]) -> Result<GraphqlRequest, Cow<'static, str>> {
        match operations(serde_json::from_slice(body).map_err(|_| "no JSON")?, 1)? {
            Operations::One(request) => Ok(request),
            Operations::Batch(_) => Err("a batch".into()),
        }
    }

    #[test]
    fn json_and_url_mean_the_same() {
        let from_json =
            from_json(br#"{"query":"{a}","operationName":"b","variables":{"c":1},"extensions":{}}"#).unwrap();
        let from_query =
            from_query("query=%7Ba%7D&operationName=b&variables=%7B%22c%22%3A1%7D&extensions=%7B%7D&x=y").unwrap();
        for request in [from_json, from_query] {
            assert_eq!(request.query, "{a}");
            assert_eq!(request.operation_name.as_deref(), Some("b"));
            assert_eq!(Value::Object(request.variables), serde_json::json!({"c": 1}));
        }
    }

    #[test]
    fn null_is_as_good_as_nothing() {
        let request = from_json(br#"{"query":"{a}","operationName":null,"variables":null,"extensions":null}"#).unwrap();
        assert!(request.operation_name.is_none() && request.variables.is_empty());
        assert!(from_query("query={a}&operationName=&variables=&extensions=").is_ok());
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for body in [
            "",
            "{",
            "1",
            "null",
            "[]",
            r#"[{"query":"{a}"}]"#,
            "{}",
            r#"{"query":null}"#,
            r#"{"query":{}}"#,
            r#"{"query":1}"#,
            r#"{"query":"{a}","operationName":1}"#,
            r#"{"query":"{a}","variables":"{}"}"#,
            r#"{"query":"{a}","variables":[]}"#,
            r#"{"query":"{a}","extensions":0}"#,
        ] {
            assert!(from_json(body.as_bytes()).is_err(), "{body}");
        }
        for query in ["", "query=a&query=b", "query=a&variables=1", "query=a&variables={", "query=a&extensions=[]"] {
            assert!(from_query(query).is_err(), "{query}");
        }
        assert_eq!(from_json(b"[]").unwrap_err(), "Batching is off: send one operation a request.");
    }

    #[test]
    fn a_batch_holds_some_operations_and_not_too_many() {
        let batch = |size: usize| operations(vec![serde_json::json!({ "query": "{a}" }); size].into(), 3);
        assert!(matches!(batch(3), Ok(Operations::Batch(requests)) if requests.len() == 3));
        assert!(batch(0).is_err() && batch(4).is_err());
        assert!(operations(serde_json::json!([{ "query": "{a}" }, 1]), 3).is_err());
        assert!(operations(serde_json::json!([[{ "query": "{a}" }]]), 3).is_err());
    }

    #[test]
    fn who_sends_only_a_hash_is_told_to_send_the_document() {
        let hash = r#""extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}"#;
        assert_eq!(from_json(format!("{{{hash}}}").as_bytes()).unwrap_err(), NO_PERSISTED_QUERIES);
        assert!(from_json(format!("{{\"query\":\"{{a}}\",{hash}}}").as_bytes()).is_ok());
    }
}
