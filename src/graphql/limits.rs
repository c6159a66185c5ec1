//! What a document may ask for, counted over what its fragments expand to without expanding them: each fragment is
//! counted once. async-graphql's own checks, and its execution, walk every path, so this stands before them.

use std::collections::HashMap;

use async_graphql::{
    Name, Pos, Positioned, ServerError,
    parser::types::{ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet},
};
use async_graphql_value::{ConstValue, Value};
use serde_json::{Map, Value as Json};

use super::{error::invalid, intake::RECURSION};
use crate::config::LimitsConfig;

/// How deep introspection may go by itself: the standard query is 15 deep.
const INTROSPECTION_DEPTH: usize = 20;
/// What introspection may come to by itself: the standard query comes to 73,827. Its lists multiply, and nothing in
/// async-graphql stops what `fields { type { fields {` asks for.
const INTROSPECTION_COST: usize = 100_000;
/// How many files a page has when the client does not say.
const DEFAULT_PAGE_SIZE: usize = 20;

/// Which part of the greatest complexity makes an operation a long one. A page of a hundred rows with what a list shows of
/// each is none.
const LONG_PART: usize = 4;

/// Refuses documents whose fragments go in circles or expand to too much, and operations that pass a limit.
/// `introspection`: whether the schema may be asked for. The variables only tell page sizes. Answers whether an operation
/// of the document may take long.
pub fn check(
    document: &ExecutableDocument,
    variables: &Map<String, Json>,
    limits: &LimitsConfig,
    introspection: bool,
) -> Result<bool, ServerError> {
    let (mut selections, mut values) = (0_usize, 0_usize);
    let mut tallies = Vec::new();
    for (_, operation) in document.operations.iter() {
        let mut count = Counter::new(document, Some((&operation.node, variables)), limits);
        let tally = count.set(&operation.node.selection_set.node, operation.pos)?;
        selections = selections.saturating_add(tally.selections);
        values = values.saturating_add(tally.values);
        tallies.push((operation, tally));
    }
    // Those that no operation spreads are looked at as well: the checks that follow walk them too.
    let mut count = Counter::new(document, None, limits);
    for (name, fragment) in &document.fragments {
        let tally = count.fragment(name, fragment.pos)?;
        selections = selections.max(tally.selections);
        values = values.max(tally.values);
    }
    for (things, found, limit) in
        [("fields", selections, limits.query_selections), ("values in arguments", values, limits.query_values)]
    {
        if found > limit {
            let message = format!("With its fragments spread out, the document has more than {limit} {things}.");
            return Err(invalid(message, None));
        }
    }
    for (operation, tally) in &tallies {
        check_operation(&operation.node, tally, operation.pos, limits, introspection)?;
    }
    Ok(tallies.iter().any(|(_, tally)| {
        let complexity = tally.cost.saturating_add(tally.cost_per_row);
        complexity > limits.query_complexity / LONG_PART || tally.introspection_cost > INTROSPECTION_COST / LONG_PART
    }))
}

fn check_operation(
    operation: &OperationDefinition,
    tally: &Tally,
    at: Pos,
    limits: &LimitsConfig,
    introspection: bool,
) -> Result<(), ServerError> {
    let directives = tally.directives.saturating_add(operation.directives.len());
    let complexity = tally.cost.saturating_add(tally.cost_per_row);
    for (what, found, limit) in [
        ("fields deep", tally.depth, limits.query_depth),
        ("fields deep in introspection", tally.introspection_depth, INTROSPECTION_DEPTH),
        ("in complexity in introspection", tally.introspection_cost, INTROSPECTION_COST),
        ("aliases", tally.aliases, limits.query_aliases),
        ("fields at the root", tally.root_fields, limits.query_root_fields),
        ("directives", directives, limits.query_directives),
        ("in complexity (each field counts as often as its page has rows)", complexity, limits.query_complexity),
    ] {
        if found > limit {
            let message = format!("This operation asks for too much: {found} {what}; this server allows {limit}.");
            return Err(invalid(message, Some(at)));
        }
    }
    if tally.introspection_depth > 0 && !introspection {
        return Err(invalid("Introspection is turned off on this server.", Some(at)));
    }
    if operation.ty == OperationType::Subscription && tally.root_fields != 1 {
        return Err(invalid("A subscription has exactly one field at the root.", Some(at)));
    }
    Ok(())
}

/// What a selection set comes to, with its fragments spread out. All sums stop at the largest number there is.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    selections: usize,
    /// Values in arguments, those in lists and objects and these themselves.
    values: usize,
    aliases: usize,
    directives: usize,
    /// Fields of the set itself.
    root_fields: usize,
    /// How deep selection sets stand in each other, those of fragments too.
    nesting: usize,
    depth: usize,
    introspection_depth: usize,
    introspection_cost: usize,
    /// Complexity that does not depend on the page that this set is of.
    cost: usize,
    /// Complexity for each row of the page that this set is of: what stands below `nodes` and `edges`.
    cost_per_row: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.values = self.values.saturating_add(other.values);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.root_fields = self.root_fields.saturating_add(other.root_fields);
        self.nesting = self.nesting.max(other.nesting);
        self.depth = self.depth.max(other.depth);
        self.introspection_depth = self.introspection_depth.max(other.introspection_depth);
        self.introspection_cost = self.introspection_cost.saturating_add(other.introspection_cost);
        self.cost = self.cost.saturating_add(other.cost);
        self.cost_per_row = self.cost_per_row.saturating_add(other.cost_per_row);
    }
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    operation: Option<(&'a OperationDefinition, &'a Map<String, Json>)>,
    limits: &'a LimitsConfig,
    /// `None` while a fragment is being counted: whoever meets it then has gone in a circle.
    fragments: HashMap<&'a Name, Option<Tally>>,
    /// How deep the set that is being counted stands in others.
    nesting: usize,
}

impl<'a> Counter<'a> {
    fn new(
        document: &'a ExecutableDocument,
        operation: Option<(&'a OperationDefinition, &'a Map<String, Json>)>,
        limits: &'a LimitsConfig,
    ) -> Self {
        Self { document, operation, limits, fragments: HashMap::new(), nesting: 0 }
    }

    fn set(&mut self, set: &'a SelectionSet, at: Pos) -> Result<Tally, ServerError> {
        let too_deep = || invalid(format!("Fields and fragments are nested deeper than {RECURSION}."), Some(at));
        // Whoever goes deeper than that from here has begun where it is too deep: this keeps to the stack.
        self.nesting += 1;
        if self.nesting > RECURSION {
            return Err(too_deep());
        }
        let mut sum = Tally::default();
        for selection in &set.items {
            let mut tally = match &selection.node {
                Selection::Field(field) => self.field(field)?,
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node, inline.pos)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, spread.pos)?,
            };
            let directives = selection.node.directives();
            let arguments = directives.iter().flat_map(|directive| &directive.node.arguments);
            tally.selections = tally.selections.saturating_add(1);
            tally.directives = tally.directives.saturating_add(directives.len());
            tally.values = tally.values.saturating_add(arguments.map(|(_, value)| values(&value.node)).sum());
            sum.add(&tally);
        }
        self.nesting -= 1;
        // Fragments that were counted before are not gone into again.
        sum.nesting += 1;
        if sum.nesting > RECURSION { Err(too_deep()) } else { Ok(sum) }
    }

    /// One that does not exist counts as nothing; validation reports it.
    fn fragment(&mut self, name: &'a Name, at: Pos) -> Result<Tally, ServerError> {
        match self.fragments.get(name) {
            Some(Some(tally)) => return Ok(*tally),
            Some(None) => return Err(invalid(format!("The fragment \"{name}\" spreads itself."), Some(at))),
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Tally::default()) };
        self.fragments.insert(name, None);
        let mut tally = self.set(&fragment.node.selection_set.node, fragment.pos)?;
        tally.directives = tally.directives.saturating_add(fragment.node.directives.len());
        self.fragments.insert(name, Some(tally));
        Ok(tally)
    }

    fn field(&mut self, field: &'a Positioned<Field>) -> Result<Tally, ServerError> {
        let (at, field) = (field.pos, &field.node);
        let below = match field.selection_set.node.items.as_slice() {
            [] => Tally::default(),
            _ => self.set(&field.selection_set.node, at)?,
        };
        let name = field.name.node.as_str();
        let weight = weight(name);
        let rows = if below.cost_per_row > 0 { self.page_size(field) } else { 0 };
        let cost = below.cost.saturating_mul(weight.rows).saturating_add(below.cost_per_row.saturating_mul(rows));
        let cost = cost.saturating_add(weight.own);
        let is_row = matches!(name, "nodes" | "edges");
        let is_introspection = matches!(name, "__schema" | "__type");
        let deeper = |depth: usize| depth.saturating_add(1);
        let own_values = field.arguments.iter().map(|(_, value)| values(&value.node)).sum();
        Ok(Tally {
            selections: below.selections,
            values: below.values.saturating_add(own_values),
            aliases: below.aliases.saturating_add(usize::from(field.alias.is_some())),
            directives: below.directives,
            root_fields: 1,
            nesting: below.nesting,
            depth: if is_introspection { 0 } else { deeper(below.depth) },
            introspection_depth: if is_introspection { deeper(below.depth) } else { below.introspection_depth },
            introspection_cost: if is_introspection { cost } else { below.introspection_cost },
            cost: if is_row || is_introspection { 0 } else { cost },
            cost_per_row: if is_row { cost } else { 0 },
        })
    }

    /// How many rows the page of this field has at most. What cannot be told counts as a whole page.
    fn page_size(&self, field: &Field) -> usize {
        let most = self.limits.page_size;
        let rows = |argument: &str| match self.given(&field.get_argument(argument)?.node) {
            Given::Nothing => None,
            Given::Number(number) => Some(usize::try_from(number).unwrap_or(most).min(most)),
            Given::Something => Some(most),
        };
        rows("first").into_iter().chain(rows("last")).max().unwrap_or(DEFAULT_PAGE_SIZE.min(most))
    }

    fn given(&self, value: &Value) -> Given {
        match value {
            Value::Null => Given::Nothing,
            Value::Number(number) => number.as_u64().map_or(Given::Something, Given::Number),
            Value::Variable(name) => self.variable(name),
            _ => Given::Something,
        }
    }

    /// The values of variables can be large: they are only looked at.
    fn variable(&self, name: &Name) -> Given {
        let Some((operation, values)) = self.operation else { return Given::Something };
        if let Some(value) = values.get(name.as_str()) {
            return match value {
                Json::Null => Given::Nothing,
                value => value.as_u64().map_or(Given::Something, Given::Number),
            };
        }
        let mut definitions = operation.variable_definitions.iter();
        let definition = definitions.find(|definition| definition.node.name.node == *name);
        match definition.and_then(|definition| definition.node.default_value.as_ref()).map(|value| &value.node) {
            Some(ConstValue::Null) => Given::Nothing,
            Some(ConstValue::Number(number)) => number.as_u64().map_or(Given::Something, Given::Number),
            _ => Given::Something,
        }
    }
}

/// What an argument comes to, where a number is wanted.
enum Given {
    /// Null.
    Nothing,
    Number(u64),
    /// What it is cannot be told, or is no number.
    Something,
}

/// How many values a value is.
fn values(value: &Value) -> usize {
    match value {
        Value::List(items) => items.iter().map(values).sum::<usize>() + 1,
        Value::Object(fields) => fields.values().map(values).sum::<usize>() + 1,
        _ => 1,
    }
}

struct Weight {
    /// Of the field itself.
    own: usize,
    /// How often what stands below it counts, paging apart.
    rows: usize,
}

/// Most fields are read from a row that is there; some cost a query of their own.
fn weight(field: &str) -> Weight {
    match field {
        // Up to 64, mostly few; below one another they multiply.
        "ancestors" => Weight { own: 5, rows: 24 },
        "thumbnails" => Weight { own: 1, rows: 3 },
        "files" | "children" | "descendantCount" | "totalCount" | "usage" => Weight { own: 10, rows: 1 },
        // Of introspection: about what the schema has.
        "types" => Weight { own: 1, rows: 60 },
        "fields" => Weight { own: 1, rows: 10 },
        "directives" => Weight { own: 1, rows: 5 },
        "args" | "inputFields" | "enumValues" | "possibleTypes" | "interfaces" => Weight { own: 1, rows: 2 },
        _ => Weight { own: 1, rows: 1 },
    }
}

#[cfg(test)]
mod tests;
