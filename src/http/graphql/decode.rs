//! The parameters of a GraphQL request: from JSON, or from the query of a URL. What is wrong is said in a sentence.

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::graphql::GraphqlRequest;

/// A JSON body.
pub fn from_json(body: &[u8]) -> Result<GraphqlRequest, &'static str> {
    operation(serde_json::from_slice(body).map_err(|_| "The body is not valid JSON.")?)
}

/// A JSON value: a body, the `operations` of a multipart request, the payload of a `subscribe`.
pub fn operation(value: Value) -> Result<GraphqlRequest, &'static str> {
    let mut fields = match value {
        Value::Object(fields) => fields,
        Value::Array(_) => return Err("Batching is off: send one operation a request."),
        _ => return Err("The request has to be a JSON object with a `query`."),
    };
    from_fields(&mut fields)
}

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
    let query = match fields.remove("query") {
        Some(Value::String(query)) => query,
        Some(_) => return Err("`query` has to be a string."),
        None => return Err("`query` is missing."),
    };
    let operation_name = match fields.remove("operationName") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Null) | None => None,
        Some(_) => return Err("`operationName` has to be a string."),
    };
    let variables = object(fields.remove("variables")).ok_or("`variables` has to be an object.")?;
    object(fields.remove("extensions")).ok_or("`extensions` has to be an object.")?;
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
}
