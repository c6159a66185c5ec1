//! What holds whatever JSON comes as the body of a request.

use strongroom::http::graphql::operation;

use super::document::prepare;

/// Decodes the operation, and prepares it.
pub fn check(input: &[u8]) {
    let Ok(value) = serde_json::from_slice(input) else { return };
    match operation(value) {
        Ok(request) => prepare(request.query, request.variables, request.operation_name),
        Err(reason) => assert!(reason.len() < 200, "{reason}"),
    }
}
