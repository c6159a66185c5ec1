//! From the text of a request to an operation that can be executed, or to what is wrong with it.

use std::sync::Arc;

use async_graphql::{
    Name, Positioned, Request, Response, ServerError, ValidationMode,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
    parser::{
        Error as ParseError, parse_query,
        types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
    },
};
use futures_util::FutureExt as _;

use super::{
    GraphqlRequest, OperationKind, Prepared, document,
    error::{invalid, refusal, with_code},
    guard, limits, rewrite,
    schema::{self, Schema},
    types::Types,
    variables,
};
use crate::{config::LimitsConfig, error::ErrorCode};

/// How deep fields and fragments may be nested in each other, for async-graphql. The guard has smaller limits of its own
/// for fields, and introspection is 15 deep.
pub const RECURSION: usize = 64;

/// Everything that happens before execution.
pub struct Intake {
    /// Judges documents and executes nothing.
    rules: Schema,
    types: Types,
    limits: LimitsConfig,
    production: bool,
}

impl Intake {
    /// With these limits. In production there is neither introspection nor a suggestion.
    pub fn new(limits: LimitsConfig, production: bool) -> Self {
        let rules = schema::build()
            .validation_mode(ValidationMode::Strict)
            .limit_recursive_depth(RECURSION)
            .extension(JudgeOnly);
        let rules = if production { rules.disable_suggestions() } else { rules };
        Self { rules: rules.finish(), types: Types::read(&schema::sdl()), limits, production }
    }

    /// Guards, parses, validates, and coerces the variables.
    pub fn prepare(&self, request: GraphqlRequest) -> Result<Prepared, Vec<ServerError>> {
        let GraphqlRequest { query, operation_name, variables } = request;
        guard::scan(&query, &self.limits)?;
        let document = parse_query(&query).map_err(parse_refusal)?;
        limits::check(&document, &variables, &self.limits, !self.production)?;
        let operation = choose(&document.operations, operation_name.as_deref())?;
        self.validate(&document)?;
        let variables = variables::coerce(&operation.node.variable_definitions, variables, &self.types)?;
        let kind = match operation.node.ty {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        };
        let document = rewrite::rewrite(operation, document, &variables);
        Ok(Prepared { kind, document, variables })
    }

    fn validate(&self, document: &ExecutableDocument) -> Result<(), Vec<ServerError>> {
        let copy = document::for_validation(document, &self.types)?;
        // Where there are several operations one has to be named; which one does not matter to the rules.
        let name = match &copy.operations {
            DocumentOperations::Single(_) => None,
            DocumentOperations::Multiple(operations) => operations.keys().next().map(Name::to_string),
        };
        let mut request = Request::new("");
        request.operation_name = name;
        request.set_parsed_query(copy);
        let judged = self.rules.execute(request).now_or_never().expect("validation waits for nothing");
        judged.into_result().map(drop).map_err(|errors| with_code(errors, ErrorCode::GraphqlValidationFailed))
    }
}

/// The operation to execute (`GetOperation`, section 6.1).
fn choose(operations: &DocumentOperations, name: Option<&str>) -> Result<Positioned<OperationDefinition>, ServerError> {
    let found = match (operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Multiple(all), None) => {
            let mut all = all.values();
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(only),
                _ => Err("The document has several operations: say which in `operationName`.".to_owned()),
            }
        }
        (DocumentOperations::Multiple(all), Some(name)) if all.contains_key(name) => Ok(&all[name]),
        (_, Some(name)) => Err(format!("The document has no operation named \"{name}\".")),
    };
    found.cloned().map_err(|message| invalid(message, None))
}

fn parse_refusal(error: ParseError) -> ServerError {
    let at: Vec<_> = error.positions().collect();
    let (code, message) = match error {
        ParseError::Syntax { message, .. } => (ErrorCode::GraphqlParseFailed, message),
        // These are about what a document holds, not how it is written.
        other => (ErrorCode::GraphqlValidationFailed, format!("This document cannot be executed: {other}.")),
    };
    refusal(code, message, at)
}

/// Stops before execution.
struct JudgeOnly;

impl ExtensionFactory for JudgeOnly {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for JudgeOnly {
    async fn execute(&self, _: &ExtensionContext<'_>, _: Option<&str>, _: NextExecute<'_>) -> Response {
        Response::default()
    }
}

#[cfg(test)]
mod tests;
