//! The intake over the real schema: what it refuses and how, and what becomes of variables.

use std::{fmt::Write as _, time::Instant};

use async_graphql::Value;
use async_graphql_value::Value as Literal;
use serde_json::{Value as Json, json};

use super::*;
use crate::config::{Config, Layers};

fn intake(production: bool) -> Intake {
    Intake::new(Config::read(Layers::defaults()).unwrap().limits, production)
}

fn prepare(query: &str, variables: Json) -> Result<Prepared, (String, String)> {
    prepare_named(query, variables, None)
}

/// The code and the message of the first error.
fn prepare_named(query: &str, variables: Json, name: Option<&str>) -> Result<Prepared, (String, String)> {
    let Json::Object(variables) = variables else { unreachable!() };
    let request = GraphqlRequest { query: query.to_owned(), operation_name: name.map(str::to_owned), variables };
    intake(false).prepare(request).map_err(|mut errors| seen(errors.remove(0)))
}

fn seen(error: ServerError) -> (String, String) {
    match error.extensions.unwrap().get("code") {
        Some(Value::String(code)) => (code.clone(), error.message),
        other => panic!("{other:?} is no code: {}", error.message),
    }
}

fn refused(query: &str, variables: Json) -> (String, String) {
    match prepare(query, variables) {
        Ok(_) => panic!("accepted: {query}"),
        Err(seen) => seen,
    }
}

fn invalid(query: &str) -> String {
    let (code, message) = refused(query, json!({}));
    assert_eq!(code, "GRAPHQL_VALIDATION_FAILED", "{message}");
    message
}

/// The field at this path of first selections, as it will be executed.
fn field(prepared: &Prepared, depth: usize) -> &async_graphql::parser::types::Field {
    let DocumentOperations::Single(operation) = &prepared.document.operations else { unreachable!() };
    let mut set = &operation.node.selection_set.node;
    for _ in 0..depth {
        let async_graphql::parser::types::Selection::Field(field) = &set.items[0].node else { unreachable!() };
        set = &field.node.selection_set.node;
    }
    let async_graphql::parser::types::Selection::Field(field) = &set.items[0].node else { unreachable!() };
    &field.node
}

#[test]
fn the_document_that_nests_brackets_is_answered_at_once() {
    for open in ["[", "{a:", "(a:{"] {
        let started = Instant::now();
        let (code, message) = refused(&format!("{{ file(id: {}", open.repeat(1800)), json!({}));
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED", "{message}");
        assert!(started.elapsed().as_secs() < 3);
    }
}

#[test]
fn the_deepest_nesting_that_passes_the_scan_is_parsed() {
    let value = "[{a:".repeat(48) + "1" + &"}]".repeat(48);
    let (code, _) = refused(&format!("{{ file(id: {value}) {{ id }} }}"), json!({}));
    assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
    let ty = "[".repeat(50) + "Int" + &"]".repeat(50);
    assert_eq!(refused(&format!("query ($a: {ty}) {{ __typename }}"), json!({})).0, "GRAPHQL_VALIDATION_FAILED");
}

#[test]
fn the_document_that_doubles_fragments_is_answered_at_once() {
    let mut text = "{ ...f0 }".to_owned();
    for i in 0..27 {
        let _ = write!(text, " fragment f{i} on Query {{ ...f{0} ...f{0} }}", i + 1);
    }
    text += " fragment f27 on Query { __typename }";
    let started = Instant::now();
    assert!(invalid(&text).contains("1000 fields"));
    assert!(started.elapsed().as_secs() < 3);
}

#[test]
fn a_long_chain_of_fragments_is_no_danger() {
    let mut text = "{ ...f0 }".to_owned();
    for i in 0..240 {
        let _ = write!(text, " fragment f{i} on Query {{ ...f{} }}", i + 1);
    }
    text += " fragment f240 on Query { __typename }";
    let _ = invalid(&text);
}

#[test]
fn what_is_no_graphql_fails_to_parse() {
    for text in ["", "{", "{ a", "query {}", "{ a(b: \"", "\u{7}", "{ a } }"] {
        assert_eq!(refused(text, json!({})).0, "GRAPHQL_PARSE_FAILED", "{text:?}");
    }
}

#[test]
fn what_does_not_fit_the_schema_is_invalid() {
    for text in [
        "{ unknown }",
        "{ viewer }",
        "{ viewer { id { a } } }",
        "{ file { id } }",
        "{ file(id: 1.5) { id } }",
        "{ files(filter: {unknown: 1}) { totalCount } }",
        "query ($a: Int) { files(first: $a, filter: {unknown: $a}) { totalCount } }",
        "query ($a: Int) { __typename }",
        "query { file(id: $id) { id } }",
        "query ($a: Foo = 1) { __typename }",
        "query ($a: [Foo] = [1]) { __typename }",
        "query ($a: [File] = [1]) { __typename }",
        "query ($a: String!) { files(first: $a) { totalCount } }",
        "{ viewer @unknown { id } }",
        "{ viewer { id } } query Named { __typename }",
        "query A { __typename } query A { __typename }",
        "fragment f on Query { __typename }",
        "{ ...missing }",
        "subscription { __typename }",
        "subscription { thumbnailReady { id } other: thumbnailReady { id } }",
        "query ($f: Upload!) { __typename }",
    ] {
        let _ = invalid(text);
    }
}

#[test]
fn the_operation_is_chosen_by_name() {
    let text = "query A { __typename } mutation B { logout { userErrors { code } } }";
    assert_eq!(prepare_named(text, json!({}), Some("A")).ok().unwrap().kind(), OperationKind::Query);
    assert_eq!(prepare_named(text, json!({}), Some("B")).ok().unwrap().kind(), OperationKind::Mutation);
    assert!(prepare_named(text, json!({}), None).is_err());
    assert!(prepare_named(text, json!({}), Some("C")).is_err());
    assert!(prepare_named("{ __typename }", json!({}), Some("C")).is_err());
    assert!(prepare_named("query A { __typename }", json!({}), None).is_ok());
}

const URL: &str = "{ file(id: 1) { url(expiresIn: $e) } }";

#[test]
fn a_variable_that_is_not_given_lets_the_default_apply() {
    for definition in ["$e: Int", "$e: Int, $unused: Int"] {
        let text = format!("query ({definition}) {URL}");
        match prepare(&text, json!({})) {
            Ok(prepared) => assert!(field(&prepared, 1).arguments.is_empty(), "the argument is left out"),
            Err((code, message)) => {
                assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
                assert!(message.contains("unused"), "{message}");
            }
        }
    }
    let own_default = prepare(&format!("query ($e: Int = 60) {URL}"), json!({})).ok().unwrap();
    assert_eq!(own_default.variables.get("e"), Some(&Value::from(60)));
    assert_eq!(field(&own_default, 1).arguments.len(), 1);
}

#[test]
fn a_variable_given_as_null_stays_null_and_is_for_the_field_to_refuse() {
    for definition in ["$e: Int", "$e: Int = 60"] {
        let prepared = prepare(&format!("query ({definition}) {URL}"), json!({"e": null})).ok().unwrap();
        assert_eq!(prepared.variables.get("e"), Some(&Value::Null), "{definition}");
        assert_eq!(field(&prepared, 1).arguments.len(), 1);
    }
}

#[test]
fn a_variable_that_is_missing_or_null_though_it_must_not_be_is_a_request_error() {
    for variables in [json!({}), json!({"e": null}), json!({"E": 1})] {
        let (code, message) = refused(&format!("query ($e: Int!) {URL}"), variables);
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(message.contains("`$e`"), "{message}");
    }
}

#[test]
fn a_default_inside_an_input_object_applies_when_its_variable_is_not_given() {
    let text =
        "mutation ($p: Boolean, $n: String!) { createFolder(input: {name: $n, isPublic: $p}) { folder { id } } }";
    let prepared = prepare(text, json!({"n": "x"})).ok().unwrap();
    let Literal::Object(input) = &field(&prepared, 0).arguments[0].1.node else { unreachable!() };
    assert_eq!(input.keys().map(Name::as_str).collect::<Vec<_>>(), ["name"]);
    let given = prepare(text, json!({"n": "x", "p": true})).ok().unwrap();
    let Literal::Object(input) = &field(&given, 0).arguments[0].1.node else { unreachable!() };
    assert_eq!(input.len(), 2);
}

#[test]
fn a_nullable_field_whose_variable_is_not_given_is_left_out() {
    let text = "mutation ($to: ID) { move(input: {fileId: 1, parentId: $to}) { file { id } } }";
    let fields = |variables| {
        let prepared = prepare(text, variables).ok().unwrap();
        let Literal::Object(input) = &field(&prepared, 0).arguments[0].1.node else { unreachable!() };
        input.len()
    };
    assert_eq!((fields(json!({})), fields(json!({"to": null}))), (1, 2));
}

#[test]
fn a_variable_may_stand_in_conditions_alone() {
    let text = "query ($a: Boolean!) { __typename @include(if: $a) ...f @skip(if: $a) } \
        fragment f on Query { viewer { id @include(if: $a) } }";
    assert!(prepare(text, json!({"a": true})).is_ok());
    assert_eq!(refused(text, json!({})).0, "BAD_USER_INPUT");
    assert!(prepare("query ($a: Boolean = false) { __typename @include(if: $a) }", json!({})).is_ok());
    for text in [
        "query ($a: Boolean) { __typename @include(if: $a) }",
        "query ($a: String!) { __typename @include(if: $a) }",
        "query ($a: [Boolean!]!) { __typename @include(if: $a) }",
        "{ __typename @include(if: $a) }",
        "{ __typename @include(if: 1) }",
        "{ __typename @include(if: null) }",
        "{ __typename @include }",
        "{ __typename @unknown }",
        "{ __typename(if: true) }",
        "{ __typename { a } }",
        "{ viewer @include(if: true, unless: false) { id } }",
        "query ($a: Boolean!, $b: Int) { __typename @include(if: $a) }",
    ] {
        let _ = invalid(text);
    }
}

#[test]
fn a_nullable_variable_fits_a_place_with_a_default_but_not_one_without() {
    assert!(prepare("query ($s: ThumbnailSize) { file(id: 1) { thumbnail(size: $s) { width } } }", json!({})).is_ok());
    for text in [
        "query ($id: ID) { file(id: $id) { id } }",
        "query ($s: String) { file(id: 1) { thumbnail(size: $s) { width } } }",
        "query ($s: [Int]) { file(id: 1) { url(expiresIn: $s) } }",
        "mutation ($n: String) { createFolder(input: {name: $n}) { folder { id } } }",
    ] {
        let _ = invalid(text);
    }
}

#[test]
fn a_fragment_that_two_operations_share_is_checked_with_each() {
    let text = "query A ($e: Int) { ...f } query B ($e: String) { ...f } \
        fragment f on Query { file(id: 1) { url(expiresIn: $e) } }";
    let _ = invalid(text);
    assert!(prepare_named(&text.replace("String", "Int!"), json!({}), Some("A")).is_ok());
}

#[test]
fn errors_of_variables_name_the_place_and_never_the_value() {
    let register = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
    let many = "mutation ($input: UploadManyInput!) { uploadMany(input: $input) { results { file { id } } } }";
    let list =
        "query ($f: FileFilter, $n: Int, $o: FileOrder) { files(filter: $f, first: $n, orderBy: $o) { totalCount } }";
    for (text, variables, place) in [
        (register, json!({"input": "secret"}), "`$input`: an object"),
        (register, json!({"input": {"email": "a"}}), "`$input.password`: a value of type String!"),
        (register, json!({"input": {"email": "a", "password": 12345}}), "`$input.password`: a string"),
        (register, json!({"input": {"email": "a", "password": null}}), "`$input.password`: must not be null"),
        (register, json!({"input": {"email": "a", "password": "x", "name": "y"}}), "no field \"name\""),
        (
            many,
            json!({"input": {"files": [{"file": {"part": "t"}}, {"file": 12345}]}}),
            "`$input.files[1].file`: a file",
        ),
        (list, json!({"f": {"kinds": ["IMAGE", "MOVIE"]}}), "`$f.kinds[1]`: a value of FileKind"),
        (list, json!({"f": {"createdAfter": "secret"}}), "`$f.createdAfter`: an instant"),
        (list, json!({"n": 2_147_483_648_i64}), "`$n`: an integer of 32 bits"),
        (list, json!({"n": 1.5}), "`$n`: an integer"),
        (list, json!({"n": "12345"}), "`$n`: an integer"),
        (list, json!({"n": true}), "`$n`: an integer"),
        (list, json!({"o": {"field": "NAME"}}), "`$o.direction`: a value of type OrderDirection!"),
    ] {
        let (code, message) = refused(text, variables);
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(message.contains(place), "{message}");
        assert!(!message.contains("secret") && !message.contains("12345"), "{message}");
    }
}

#[test]
fn values_become_what_their_types_say() {
    let text = "query ($f: FileFilter, $n: Int, $id: ID!, $e: Int) \
        { files(filter: $f, first: $n, parentId: $id, last: $e) { totalCount } }";
    let variables = json!({"f": {"kinds": "IMAGE", "isPublic": null}, "n": 5.0, "id": 7, "more": [1]});
    let prepared = prepare(text, variables).ok().unwrap();
    let shown: Vec<_> = prepared.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(shown, ["f={kinds: [IMAGE], isPublic: null}", "id=\"7\"", "n=5"]);
}

#[test]
fn a_subscription_may_stand_in_a_fragment() {
    let text = "subscription ($id: ID) { ... on Subscription { ...f } } \
        fragment f on Subscription { thumbnailReady(fileId: $id) { id } }";
    let prepared = prepare(text, json!({})).ok().unwrap();
    assert_eq!(prepared.kind(), OperationKind::Subscription);
    let root = field(&prepared, 0);
    assert_eq!((root.name.node.as_str(), root.arguments.len()), ("thumbnailReady", 0));
}

const INTROSPECTION: &str = include_str!("introspection.graphql");

#[test]
fn the_standard_introspection_query_passes() {
    assert!(prepare(INTROSPECTION, json!({})).is_ok());
}

#[test]
fn in_production_there_is_neither_introspection_nor_a_suggestion() {
    let refused = |query: &str| {
        let request = GraphqlRequest { query: query.to_owned(), ..GraphqlRequest::default() };
        intake(true).prepare(request).err().map(|mut errors| seen(errors.remove(0)))
    };
    assert_eq!(refused("{ __typename viewer { __typename } }"), None);
    for query in [
        INTROSPECTION,
        "{ a: __type(name: \"File\") { name } }",
        "{ ...f } fragment f on Query { __schema { __typename } }",
    ] {
        let (code, message) = refused(query).unwrap();
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
        assert!(message.contains("Introspection"), "{message}");
    }
    assert!(!refused("{ viewe { id } }").unwrap().1.contains("mean"));
    assert!(invalid("{ viewe { id } }").contains("mean"));
}
