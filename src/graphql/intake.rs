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

/// How deep fields and fragments may be nested in each other: async-graphql recurses. There are smaller limits for fields
/// alone, and introspection is 15 deep.
pub const RECURSION: usize = 64;
/// How many errors are answered: a document may have hundreds.
const MOST_ERRORS: usize = 20;
/// How many bytes of a message are answered: it may hold a name that fills the document.
const LONGEST_MESSAGE: usize = 500;

/// Everything that happens before execution.
pub struct Intake {
    /// Judges documents and executes nothing.
    rules: Schema,
    /// The same, with suggestions in its errors. `None`: there are none in production.
    suggesting: Option<Schema>,
    types: Types,
    limits: LimitsConfig,
}

impl Intake {
    /// With these limits. In production there is neither introspection nor a suggestion.
    #[must_use]
    pub fn new(limits: LimitsConfig, production: bool) -> Self {
        let rules = || {
            schema::build()
                .validation_mode(ValidationMode::Strict)
                .limit_recursive_depth(RECURSION)
                .extension(JudgeOnly)
        };
        let suggesting = (!production).then(|| rules().finish());
        Self { rules: rules().disable_suggestions().finish(), suggesting, types: Types::read(&schema::sdl()), limits }
    }

    /// Guards, parses, validates, and coerces the variables. What is wrong is told in a few short errors, each with its
    /// code.
    pub fn prepare(&self, request: GraphqlRequest) -> Result<Prepared, Vec<ServerError>> {
        self.take(request).map_err(in_bounds)
    }

    fn take(&self, request: GraphqlRequest) -> Result<Prepared, Vec<ServerError>> {
        let GraphqlRequest { query, operation_name, variables } = request;
        guard::scan(&query, &self.limits)?;
        let document = parse_query(&query).map_err(parse_refusal)?;
        let is_long = limits::check(&document, &variables, &self.limits, self.suggesting.is_some())?;
        let operation = choose(&document.operations, operation_name.as_deref())?;
        self.validate(&document)?;
        let variables = variables::coerce(&operation.node.variable_definitions, variables, &self.types)?;
        let kind = match operation.node.ty {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        };
        let document = rewrite::rewrite(operation, document, &variables);
        Ok(Prepared { kind, is_long, document, variables })
    }

    fn validate(&self, document: &ExecutableDocument) -> Result<(), Vec<ServerError>> {
        let copy = document::for_validation(document, &self.types)?;
        let Err(errors) = judge(&self.rules, copy.clone()) else { return Ok(()) };
        // To find out what was meant takes long where much was, or where names are long: then nobody mistyped them.
        let could_be_meant = |error: &ServerError| error.message.len() <= LONGEST_MESSAGE;
        match &self.suggesting {
            Some(suggesting) if errors.len() <= MOST_ERRORS && errors.iter().all(could_be_meant) => {
                judge(suggesting, copy)
            }
            _ => Err(errors),
        }
    }
}

/// Has async-graphql validate a document.
fn judge(rules: &Schema, document: ExecutableDocument) -> Result<(), Vec<ServerError>> {
    // Where there are several operations one has to be named; which one does not matter to the rules.
    let name = match &document.operations {
        DocumentOperations::Single(_) => None,
        DocumentOperations::Multiple(operations) => operations.keys().next().map(Name::to_string),
    };
    let mut request = Request::new("");
    request.operation_name = name;
    request.set_parsed_query(document);
    let judged = rules.execute(request).now_or_never().expect("validation waits for nothing");
    judged.into_result().map(drop).map_err(|errors| with_code(errors, ErrorCode::GraphqlValidationFailed))
}

/// The first errors, each with the beginning and the end of what it says.
fn in_bounds(mut errors: Vec<ServerError>) -> Vec<ServerError> {
    errors.truncate(MOST_ERRORS);
    for error in &mut errors {
        let message = &error.message;
        if message.len() > LONGEST_MESSAGE {
            let is_between = |at: &usize| message.is_char_boundary(*at);
            let begins = (0..=LONGEST_MESSAGE / 2).rev().find(is_between).unwrap_or_default();
            let ends = (message.len() - LONGEST_MESSAGE / 2..message.len()).find(is_between).unwrap_or(message.len());
            error.message = format!("{} … {}", &message[..begins], &message[ends..]);
        }
    }
    errors
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
        // The text repeats the line, which may be the whole document; what was expected is said at its end.
        ParseError::Syntax { message, .. } => {
            let expected = message.rsplit_once('\n').map_or(&*message, |(_, last)| last.trim_start_matches([' ', '=']));
            (ErrorCode::GraphqlParseFailed, format!("The document cannot be read: {expected}."))
        }
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
mod hostile;
#[cfg(test)]
mod tests;
