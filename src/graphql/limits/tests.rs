//! What a document may ask for, and what it may not.

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
        let expected = if fragments < 60 { "1000 fields" } else { "nested deeper than 64" };
        assert!(refused(&text).unwrap().contains(expected), "{fragments}");
    }
}

#[test]
fn values_that_fragments_multiply_are_counted() {
    let items = "[1 {a: 2}]".repeat(100);
    let text = |spreads: usize| {
        let spreads = "...f ".repeat(spreads);
        format!("{{ {spreads} }} fragment f on Query {{ a(b: [{items}]) @skip(if: false) }}")
    };
    // One for each list, object, number and condition: 402 a spread.
    assert_eq!(refused(&text(4)), None);
    assert!(refused(&text(5)).unwrap().contains("2000 values in arguments"));
}

#[test]
fn nesting_is_counted_through_fragments_however_they_are_reached() {
    let chain = |length: usize, first: &str| {
        let mut text = format!("{{ {first} ...f0 }}");
        for i in 0..length {
            let _ = write!(text, "fragment f{i} on Query {{ ...f{} }}", i + 1);
        }
        text + &format!("fragment f{length} on Query {{ a }}")
    };
    assert_eq!(refused(&chain(62, "")), None);
    for first in ["", "...f40 ...f20", "...f62"] {
        assert!(refused(&chain(63, first)).unwrap().contains("nested deeper"), "{first}");
    }
    // No operation reaches these.
    assert!(refused(&chain(64, "").replace("{  ...f0 }", "{ a }")).is_some());
}

#[test]
fn introspection_that_is_nested_in_itself_asks_for_too_much() {
    let nested = |levels: usize| {
        let below = "fields { type { ".repeat(levels) + "name" + &"} }".repeat(levels);
        format!("{{ __schema {{ types {{ {below} }} }} }}")
    };
    assert_eq!(refused(&nested(2)), None);
    for levels in [3, 4, 8] {
        assert!(refused(&nested(levels)).unwrap().contains("in introspection"), "{levels}");
    }
    let wide = "{ __type(name: \"File\") { fields { type { fields { ...f } } } } } fragment f on __Field { ".to_owned()
        + &"type { fields { name } } ".repeat(150)
        + "}";
    assert!(refused(&wide).unwrap().contains("in introspection"));
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
fn the_standard_introspection_query_stays_well_below_its_limit() {
    let document = parse_query(include_str!("../intake/introspection.graphql")).unwrap();
    let limits = Config::read(Layers::defaults()).unwrap().limits;
    let (_, operation) = document.operations.iter().next().unwrap();
    let mut count = Counter::new(&document, None, &limits);
    let tally = count.set(&operation.node.selection_set.node, operation.pos).unwrap();
    assert!(tally.introspection_cost * 5 / 4 < INTROSPECTION_COST, "{tally:?}");
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
