//! What a document may ask for, counted over what its fragments expand to without expanding them: each fragment is
//! counted once. async-graphql's own checks walk every path, so this stands before them.

use std::collections::HashMap;

use async_graphql::{
    Name, Pos, ServerError,
    parser::types::{ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet},
};
use async_graphql_value::Value;
use serde_json::{Map, Value as Json};

use super::error::invalid;
use crate::config::LimitsConfig;

/// How deep introspection may go by itself: the standard query is 15 deep.
const INTROSPECTION_DEPTH: usize = 20;
/// How many files a page has when the client does not say.
const DEFAULT_PAGE_SIZE: usize = 20;

/// Refuses documents whose fragments go in circles or expand to too much, and operations that pass a limit.
/// `introspection`: whether the schema may be asked for. The variables only tell page sizes.
pub fn check(
    document: &ExecutableDocument,
    variables: &Map<String, Json>,
    limits: &LimitsConfig,
    introspection: bool,
) -> Result<(), ServerError> {
    let mut selections = 0_usize;
    let mut tallies = Vec::new();
    for (_, operation) in document.operations.iter() {
        let mut count = Counter::new(document, Some((&operation.node, variables)), limits);
        let tally = count.set(&operation.node.selection_set.node)?;
        selections = selections.saturating_add(tally.selections);
        tallies.push((operation, tally));
    }
    // Those that no operation spreads are looked at as well: the checks that follow walk them too.
    let mut count = Counter::new(document, None, limits);
    for (name, fragment) in &document.fragments {
        selections = selections.max(count.fragment(name, fragment.pos)?.selections);
    }
    if selections > limits.query_selections {
        let most = limits.query_selections;
        return Err(invalid(
            format!("With its fragments spread out, the document selects more than {most} fields."),
            None,
        ));
    }
    tallies.iter().try_for_each(|(operation, tally)| {
        check_operation(&operation.node, tally, operation.pos, limits, introspection)
    })
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
    aliases: usize,
    directives: usize,
    /// Fields of the set itself.
    root_fields: usize,
    depth: usize,
    introspection_depth: usize,
    /// Complexity that does not depend on the page that this set is of.
    cost: usize,
    /// Complexity for each row of the page that this set is of: what stands below `nodes` and `edges`.
    cost_per_row: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.root_fields = self.root_fields.saturating_add(other.root_fields);
        self.depth = self.depth.max(other.depth);
        self.introspection_depth = self.introspection_depth.max(other.introspection_depth);
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
}

impl<'a> Counter<'a> {
    fn new(
        document: &'a ExecutableDocument,
        operation: Option<(&'a OperationDefinition, &'a Map<String, Json>)>,
        limits: &'a LimitsConfig,
    ) -> Self {
        Self { document, operation, limits, fragments: HashMap::new() }
    }

    fn set(&mut self, set: &'a SelectionSet) -> Result<Tally, ServerError> {
        let mut sum = Tally::default();
        for selection in &set.items {
            let mut tally = match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, spread.pos)?,
            };
            tally.selections = tally.selections.saturating_add(1);
            tally.directives = tally.directives.saturating_add(selection.node.directives().len());
            sum.add(&tally);
        }
        Ok(sum)
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
        let mut tally = self.set(&fragment.node.selection_set.node)?;
        tally.directives = tally.directives.saturating_add(fragment.node.directives.len());
        self.fragments.insert(name, Some(tally));
        Ok(tally)
    }

    fn field(&mut self, field: &'a Field) -> Result<Tally, ServerError> {
        let below = self.set(&field.selection_set.node)?;
        let name = field.name.node.as_str();
        let weight = weight(name);
        let rows = if below.cost_per_row > 0 { self.page_size(field) } else { 0 };
        let cost = below.cost.saturating_mul(weight.rows).saturating_add(below.cost_per_row.saturating_mul(rows));
        let cost = cost.saturating_add(weight.own);
        let is_row = matches!(name, "nodes" | "edges");
        let is_introspection = matches!(name, "__schema" | "__type");
        let deeper = |depth: usize| depth.saturating_add(1);
        Ok(Tally {
            selections: below.selections,
            aliases: below.aliases.saturating_add(usize::from(field.alias.is_some())),
            directives: below.directives,
            root_fields: 1,
            depth: if is_introspection { 0 } else { deeper(below.depth) },
            introspection_depth: if is_introspection { deeper(below.depth) } else { below.introspection_depth },
            cost: if is_row { 0 } else { cost },
            cost_per_row: if is_row { cost } else { 0 },
        })
    }

    /// How many rows the page of this field has at most. What cannot be told counts as a whole page.
    fn page_size(&self, field: &Field) -> usize {
        let most = self.limits.page_size;
        let size = |argument: &str| -> Option<usize> {
            let number = match &field.get_argument(argument)?.node {
                Value::Null => return None,
                Value::Number(number) => number.as_u64(),
                Value::Variable(name) => match self.variable(name) {
                    Some(Json::Null) => return None,
                    Some(number) => number.as_u64(),
                    None => None,
                },
                _ => None,
            };
            Some(number.and_then(|number| usize::try_from(number).ok()).map_or(most, |number| number.min(most)))
        };
        size("first").into_iter().chain(size("last")).max().unwrap_or(DEFAULT_PAGE_SIZE.min(most))
    }

    fn variable(&self, name: &Name) -> Option<Json> {
        let (operation, values) = self.operation?;
        let definition = || operation.variable_definitions.iter().find(|definition| definition.node.name.node == *name);
        let default = || definition()?.node.default_value.as_ref()?.node.clone().into_json().ok();
        values.get(name.as_str()).cloned().or_else(default)
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
        _ => Weight { own: 1, rows: 1 },
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;
    use crate::config::{Config, Layers};

    fn refused(text: &str) -> Option<String> {
        refused_with(text, json!({}))
    }

    fn refused_with(text: &str, variables: Json) -> Option<String> {
        let limits = Config::read(Layers::defaults()).unwrap().limits;
        let Json::Object(variables) = variables else { unreachable!() };
        check(&parse_query(text).unwrap(), &variables, &limits, true).err().map(|error| error.message)
    }

    #[test]
    fn fragments_that_double_are_counted_without_walking_them() {
        for fragments in [10, 27, 200] {
            let mut text = "{ ...f0 }".to_owned();
            for i in 0..fragments {
                let _ = write!(text, "fragment f{i} on Query {{ ...f{} ...f{} }}", i + 1, i + 1);
            }
            let _ = write!(text, "fragment f{fragments} on Query {{ __typename }}");
            assert!(refused(&text).unwrap().contains("1000 fields"), "{fragments}");
        }
    }

    #[test]
    fn fragments_in_a_circle_are_refused() {
        for text in [
            "{ ...a } fragment a on Query { ...a }",
            "{ ...a } fragment a on Query { ...b } fragment b on Query { viewer { ...a } }",
            "{ __typename } fragment a on Query { ...b } fragment b on Query { ...a }",
        ] {
            assert!(refused(text).unwrap().contains("spreads itself"), "{text}");
        }
    }

    #[test]
    fn depth_counts_fields_and_introspection_apart() {
        let nested = |levels: usize| "{ a ".repeat(levels) + &"}".repeat(levels);
        assert_eq!(refused(&nested(12)), None);
        assert!(refused(&nested(13)).unwrap().contains("13 fields deep"));
        let schema = |levels: usize| format!("{{ __schema {} }}", nested(levels));
        assert_eq!(refused(&schema(19)), None);
        assert!(refused(&schema(20)).unwrap().contains("introspection"));
    }

    #[test]
    fn pages_multiply() {
        let page = |first: &str| {
            format!(
                "query ($n: Int = 100) {{ files({first}) {{ nodes {{ id children({first}) {{ nodes {{ id }} }} }} }} }}"
            )
        };
        assert_eq!(refused(&page("first: 20")), None);
        assert_eq!(refused(&page("last: null")), None);
        for first in ["first: 100", "last: 1000", "first: $n", "first: $unknown"] {
            assert!(refused(&page(first)).unwrap().contains("complexity"), "{first}");
        }
        assert_eq!(refused_with(&page("first: $n"), json!({"n": 5})), None);
    }

    #[test]
    fn a_page_with_every_field_passes() {
        let fields = "id name kind isPublic owner { id } parent { id } size mediaType sha256 url width height \
            thumbnailStatus thumbnailError thumbhash thumbnail { url width height } createdAt updatedAt";
        assert_eq!(
            refused(&format!("{{ files(first: 100) {{ edges {{ cursor node {{ {fields} }} }} totalCount }} }}")),
            None
        );
    }

    #[test]
    fn a_page_spread_from_a_fragment_counts_like_one_written_out() {
        let text = "{ files(first: 100) { ...c } } fragment c on FileConnection { nodes { id children(first: 100) { ...d } } } \
            fragment d on FileConnection { nodes { id } }";
        assert!(refused(text).unwrap().contains("complexity"));
    }

    #[test]
    fn aliases_root_fields_and_directives_are_bounded() {
        let many = |count: usize, field: &str| {
            let mut text = "{ viewer {".to_owned();
            (0..count).for_each(|i| write!(text, " {}", field.replace('#', &i.to_string())).unwrap());
            text + "} }"
        };
        assert_eq!(refused(&many(30, "a#: id")), None);
        assert!(refused(&many(31, "a#: id")).unwrap().contains("31 aliases"));
        assert!(refused(&many(11, "id @skip(if: false)")).unwrap().contains("11 directives"));
        assert!(refused(&format!("{{ {} }}", "viewer { id } ".repeat(21))).unwrap().contains("21 fields at the root"));
    }

    #[test]
    fn a_subscription_has_one_field() {
        assert_eq!(refused("subscription { ...a } fragment a on Subscription { thumbnailReady { id } }"), None);
        assert!(refused("subscription { a: thumbnailReady { id } b: thumbnailReady { id } }").is_some());
    }
}
