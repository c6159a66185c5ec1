//! Documents that nest, go in circles, multiply, are long or full of faults; and the largest that pass.

use super::*;

#[test]
fn what_is_nested_too_deep_is_refused() {
    let nested = |levels: usize, open: &str, inside: &str, close: &str| {
        format!("{}{inside}{}", open.repeat(levels), close.repeat(levels))
    };
    all_refused(
        documents(vec![
            ("1,800 brackets", format!("{{ node(id: {}) {{ id }} }}", nested(1800, "[", "", "]"))),
            ("1,800 brackets that do not close", format!("{{ node(id: {}", "[".repeat(1800))),
            ("900 braces", format!("{{ node(id: {}) {{ id }} }}", nested(900, "{a:", "1", "}"))),
            ("32 KiB of brackets", "[".repeat(32 << 10)),
            ("32 KiB of brackets behind a name", format!("{{a(b:{}", "[".repeat((32 << 10) - 5))),
            (
                "50 brackets and 48 braces by turns",
                format!("{{ node(id: {}) {{ id }} }}", nested(48, "[{a:", "1", "}]")),
            ),
            ("brackets and braces that do not close", format!("{{ node(id: {}", "[{a:".repeat(48))),
            (
                "brackets in a default value",
                format!("query ($a: Int = {}) {{ node(id: $a) {{ id }} }}", nested(48, "[{a:", "1", "}]")),
            ),
            ("brackets in a type", format!("query ($a: {}) {{ node(id: $a) {{ id }} }}", nested(50, "[", "Int", "]"))),
            ("brackets in a condition", format!("{{ viewer @skip(if: {}) {{ id }} }}", nested(49, "[", "1", "]"))),
            ("50 inline fragments", format!("{{ {} }}", nested(49, "... {", "viewer { id }", "}"))),
            ("49 fields", format!("{{ {} }}", nested(49, "a {", "a", "}"))),
            ("arguments and sets by turns", nested(49, "{ a(b: [1]) ", "{ a }", "}")),
            ("1,000 fragments in a chain", chain(240, 1, "__typename")),
            (
                "fragments with inline fragments in them",
                chain(40, 1, "__typename").replace("...f", "... { ... { ... { ...f").replace('}', "} } } }"),
            ),
        ]),
        &[INVALID, UNREADABLE],
    );
}

#[test]
fn what_goes_in_circles_is_refused() {
    let circle = |length: usize| {
        let mut text = "{ ...f0 }".to_owned();
        for i in 0..length {
            let _ = write!(text, " fragment f{i} on Query {{ ...f{} }}", (i + 1) % length);
        }
        text
    };
    all_refused(
        documents(vec![
            ("a fragment that spreads itself", "{ ...a } fragment a on Query { ...a ...a }".to_owned()),
            ("itself from below", "{ ...a } fragment a on Query { viewer { ...a } }".to_owned()),
            ("a circle of 60", circle(60)),
            ("a circle of 240", circle(240)),
            (
                "a circle that nobody enters",
                "{ limits { pageSize } } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned(),
            ),
            ("every fragment spreads every other", {
                (0..30).fold("{ ...f0 }".to_owned(), |text, i| {
                    text + &format!(" fragment f{i} on Query {{ {} }}", many(30, "...f#"))
                })
            }),
        ]),
        &[INVALID],
    );
}

#[test]
fn what_multiplies_is_refused() {
    let values = "[1 2]".repeat(150);
    let fields = |levels: usize| "fields { type { ".repeat(levels) + "name" + &"} }".repeat(levels);
    let relations = |levels: usize| "files { nodes { owner { ".repeat(levels) + "id" + &"} } }".repeat(levels);
    all_refused(
        documents(vec![
            ("27 fragments that double", chain(27, 2, "__typename")),
            ("8 fragments that double, with 100 fields", chain(8, 2, &"__typename ".repeat(100))),
            ("8 fragments that double, with 450 values", chain(8, 2, &format!("node(id: [{values}]) {{ id }}"))),
            (
                "9 fragments that double, with 400 arguments",
                chain(9, 2, &format!("node({}) {{ id }}", many(400, "a#: 1"))),
            ),
            ("10,000 aliases", format!("{{ viewer {{ {} }} }}", many(10_000, "a#: id"))),
            ("600 aliases", format!("{{ viewer {{ {} }} }}", many(600, "a#: id"))),
            ("10,000 directives on a field", format!("{{ viewer {} {{ id }} }}", "@a".repeat(10_000))),
            ("300 directives on a field", format!("{{ viewer {} {{ id }} }}", "@skip(if: false) ".repeat(300))),
            ("1,999 fields at the root", "{".to_owned() + &"a ".repeat(1997) + "}"),
            ("introspection nested in itself", format!("{{ __schema {{ types {{ {} }} }} }}", fields(8))),
            ("introspection, less deep", format!("{{ __schema {{ types {{ {} }} }} }}", fields(3))),
            ("a wide look at one type", format!("{{ __type(name: \"File\") {{ {} }} }}", many(10, &fields(5)))),
            ("relations in circles", format!("{{ viewer {{ {} }} }}", relations(3))),
            ("relations in circles, deeper", format!("{{ viewer {{ {} }} }}", relations(10))),
            (
                "folders in folders",
                format!("{{ files {{ {} }} }}", "nodes { children { ".repeat(5) + "totalCount" + &"} }".repeat(5)),
            ),
            (
                "ancestors of ancestors",
                format!("{{ file(id: 1) {{ {} }} }}", "ancestors { ".repeat(5) + "id" + &"}".repeat(5)),
            ),
        ]),
        &[INVALID],
    );
}

#[test]
fn what_is_long_is_refused() {
    let long = "x".repeat(30_000);
    all_refused(
        documents(vec![
            ("1 MiB of commas", ",".repeat(1 << 20)),
            ("32 KiB of commas", ",".repeat(32 << 10)),
            ("32 KiB of commas in a set that does not close", format!("{{a{}", ",".repeat((32 << 10) - 2))),
            ("commas in nested sets that do not close", format!("{}a{}", "{a".repeat(49), ",".repeat(30_000))),
            ("comments", "#\n".repeat(16 << 10)),
            ("comments in nested sets that do not close", format!("{}a{}", "{a".repeat(49), "#\n".repeat(15_000))),
            ("a string that does not end", format!("{{ file(id: \"{long}")),
            ("a block string that does not end", format!("{{ file(id: \"\"\"{long}")),
            ("a block string that nearly ends", format!("{{ file(id: \"\"\"{}", "\\\"\"\"".repeat(7_000))),
            (
                "a block string of line breaks and blanks",
                format!("{{ file(id: \"\"\"{}\"\"\") {{ a }} }}", "\r\n \t".repeat(7_500)),
            ),
            ("quotation marks", "\"".repeat(32_001)),
            ("backslashes", format!("{{ file(id: \"{}\") }}", "\\".repeat(30_000))),
            ("escapes", format!("{{ file(id: \"{}\") }}", "\\u0041".repeat(5_000))),
            ("half a surrogate pair", "{ file(id: \"\\ud800\") { id } }".to_owned()),
            ("a number of 30,000 digits", format!("{{ file(id: {}) {{ id }} }}", "9".repeat(30_000))),
            ("a fraction of 30,000 digits", format!("{{ files(first: 0.{}) {{ totalCount }} }}", "9".repeat(30_000))),
            ("an exponent of 30,000 digits", format!("{{ files(first: 1e{}) {{ totalCount }} }}", "9".repeat(30_000))),
            ("numbers beyond all numbers", "{ files(first: 1e400) { totalCount } }".to_owned()),
            ("30,000 zeros", format!("{{ a(b: [{}]) }}", "0".repeat(30_000))),
            ("15,000 numbers", format!("{{ a(b: [{}]) }}", "-1".repeat(15_000))),
            ("7,500 literals", format!("{{ a(b: [{}]) }}", "true".repeat(7_500))),
            ("7,500 names between byte order marks", format!("{{ {} }}", "a\u{feff}".repeat(7_500))),
            ("a misspelled field of 30,000 letters", format!("{{ viewer {{ {long} }} }}")),
            ("a misspelled argument of 30,000 letters", format!("{{ files({long}: 1) {{ totalCount }} }}")),
            ("an unknown type of 30,000 letters", format!("query ($a: {long}) {{ node(id: $a) {{ id }} }}")),
            ("an unknown condition of 30,000 letters", format!("{{ viewer {{ ... on {long} {{ id }} }} }}")),
            ("an unknown fragment of 30,000 letters", format!("{{ ...{long} }}")),
            ("an unknown directive of 30,000 letters", format!("{{ viewer @{long} {{ id }} }}")),
            ("an unknown variable of 30,000 letters", format!("{{ node(id: ${long}) {{ id }} }}")),
            ("an unknown enum value of 30,000 letters", format!("{{ file(id: 1) {{ url(disposition: {long}) }} }}")),
            (
                "an unknown input field of 30,000 letters",
                format!("{{ files(filter: {{{long}: 1}}) {{ totalCount }} }}"),
            ),
            (
                "a name of 15,000 letters twice",
                format!("{{ {0}: viewer {{ id }} {0}: limits {{ pageSize }} }}", &long[..15_000]),
            ),
            (
                "an operation of 15,000 letters twice",
                format!("query {0} {{ __typename }} query {0} {{ __typename }}", &long[..15_000]),
            ),
            ("control characters", "\u{1}\u{7f}\u{0}".repeat(600)),
            ("letters that are none", "é".repeat(1_000)),
        ]),
        &[INVALID, UNREADABLE],
    );
}

#[test]
fn what_has_many_faults_is_told_of_a_few() {
    let conflicts = many(60, "x: id x: name");
    let arguments = many(150, "a#: 1");
    let outcomes = documents(vec![
        ("1,990 unknown fields", format!("{{ viewer {{ {} }} }}", "identifier ".repeat(1_990))),
        ("900 unknown fields that could be meant", format!("{{ viewer {{ {} }} }}", "emial ".repeat(900))),
        ("600 unknown arguments", format!("{{ files({}) {{ totalCount }} }}", many(600, "orderBi#: 1"))),
        ("600 arguments of one name", format!("{{ files({}) {{ totalCount }} }}", "first: 1 ".repeat(600))),
        ("400 unused variables", format!("query ({}) {{ __typename }}", many(400, "$a#: Int"))),
        ("400 variables of one name", format!("query ({}) {{ node(id: $a) {{ id }} }}", "$a: ID! ".repeat(390))),
        ("100 unused fragments", "{ __typename }".to_owned() + &many(100, "fragment f# on Query { __typename }")),
        ("300 unknown fragments", format!("{{ viewer {{ {} }} }}", many(300, "...f#"))),
        (
            "fields that conflict in every set of a chain",
            chain(55, 1, &format!("viewer {{ {conflicts} }} {}", "limits a: limits ".repeat(30))),
        ),
        (
            "fields that conflict below 48 inline fragments",
            format!("{{ viewer {{ {} {} {} }} }}", "... { ".repeat(48), many(100, "x: id x: name"), "}".repeat(48)),
        ),
        (
            "two fields with 150 arguments each, in every set",
            chain(60, 1, &format!("files({arguments}) {{ totalCount }} files({arguments}) {{ totalCount }}")),
        ),
        (
            "long names that conflict",
            chain(
                55,
                1,
                &many(10, &format!("{}: limits {{ pageSize }}", "x".repeat(2_500)))
                    .replace("limits { pageSize } x", "viewer { id } x"),
            ),
        ),
        ("100 operations with faults", many(100, "query A# { unknown viewer }")),
        ("conditions that are none", format!("{{ {} }}", "viewer @skip { id } ".repeat(300))),
        (
            "objects that hold what they should not",
            format!("{{ files(filter: {{{}}}) {{ totalCount }} }}", many(600, "a#: 1")),
        ),
        (
            "a list that holds what it should not",
            format!("{{ files(filter: {{kinds: [{}]}}) {{ totalCount }} }}", "FILM ".repeat(1_900)),
        ),
    ]);
    all_refused(outcomes, &[INVALID]);
}

#[test]
fn production_refuses_as_fast() {
    let operations = [
        ("1,990 unknown fields", format!("{{ viewer {{ {} }} }}", "identifier ".repeat(1_990))),
        ("a misspelled field of 30,000 letters", format!("{{ viewer {{ {} }} }}", "x".repeat(30_000))),
        (
            "introspection nested in itself",
            format!("{{ __schema {{ types {{ {}name{} }} }} }}", "fields { type { ".repeat(8), "} }".repeat(8)),
        ),
    ];
    let operations = operations.map(|(name, query)| (name.to_owned(), query, "{}".to_owned())).into();
    let outcomes = prepare_all(true, operations);
    for (_, outcome) in &outcomes {
        assert!(!outcome.as_ref().unwrap_err().iter().any(|(_, message)| message.contains("mean")), "{outcome:?}");
    }
    all_refused(outcomes, &[INVALID]);
}

#[test]
fn the_largest_settings_keep_to_the_stack_too() {
    let work = || {
        let mut layers = Layers::defaults();
        let largest =
            [("QUERY_BYTES", 1 << 20), ("QUERY_TOKENS", 100_000), ("QUERY_NESTING", 100), ("QUERY_DEPTH", 60)];
        layers.environment(largest.map(|(name, value)| (format!("STRONGROOM__LIMITS__{name}"), value.to_string())));
        let intake = Intake::new(Config::read(layers).unwrap().limits, false);
        let nested = |open: &str, inside: &str, close: &str| format!("{}{inside}{}", open.repeat(99), close.repeat(99));
        for query in [
            format!("{{ node(id: {}) {{ id }} }}", nested("[{a:", "1", "}]")),
            format!("query ($a: Int = {}) {{ node(id: $a) {{ id }} }}", nested("[{a:", "1", "}]")),
            format!("query ($a: {}) {{ node(id: $a) {{ id }} }}", nested("[", "Int", "]")),
            nested("{ a(b: [[[1]]]) ", "{ a }", "}"),
            nested("{ ... ", "{ limits { pageSize } }", "}"),
            chain(10_000, 1, "limits { pageSize }"),
            chain(63, 1, &("viewer ".to_owned() + &"{ ... ".repeat(60) + "{ id }" + &"}".repeat(60))),
        ] {
            assert!(prepare(&intake, query, "{}").is_err());
        }
    };
    thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap();
}

/// The most that is let through.
#[test]
fn the_largest_documents_that_pass_are_taken_at_once() {
    let fields = "id name kind isPublic size mediaType sha256 width height thumbhash createdAt updatedAt ";
    let text = "\"".to_owned() + &"x".repeat(30_000) + "\"";
    let kinds = "FILE IMAGE ".repeat(900);
    let outcomes = documents(vec![
        ("900 fields", format!("{{ viewer {{ {} }} }}", "id createdAt ".repeat(450))),
        (
            "900 spreads of a fragment",
            format!("{{ viewer {{ {} }} }} fragment f on User {{ id }}", "...f ".repeat(480)),
        ),
        ("60 fragments in a chain", chain(60, 1, &format!("file(id: 1) {{ {} }}", fields.repeat(70)))),
        (
            "48 inline fragments",
            format!("{{ file(id: 1) {{ {} {} {} }} }}", "... { ".repeat(47), fields.repeat(70), "}".repeat(47)),
        ),
        ("4 levels of fragments, each twice", chain(4, 2, "__typename")),
        ("a string of 30,000 letters", format!("{{ file(id: {text}) {{ id }} }}")),
        ("a block string of 30,000 letters", format!("{{ file(id: \"\"{text}\"\") {{ id }} }}")),
        ("7,500 lines in a block string", format!("{{ file(id: \"\"\"{}x\"\"\") {{ id }} }}", "\r\n \t".repeat(7_500))),
        ("30,000 commas", format!("{{ viewer {{ id {} }} }}", ",".repeat(30_000))),
        ("15,000 comments", format!("{{ viewer {{ id {} }} }}", "#\n".repeat(15_000))),
        ("commas in every gap", format!("{{ viewer {{ {} }} }}", format!("id{}", ",".repeat(30)).repeat(900))),
        ("a list of 1,800", format!("{{ files(filter: {{kinds: [{kinds}]}}) {{ totalCount }} }}")),
        (
            "500 conflicts that are none",
            format!("{{ file(id: 1) {{ {} }} }}", "url(expiresIn: 60, disposition: INLINE) ".repeat(200)),
        ),
        (
            "15 operations",
            many(80, "query A# { viewer { id } limits { pageSize } }").replacen("query A0 ", "query A ", 1),
        ),
        (
            "introspection as deep as it goes",
            format!("{{ __type(name: \"File\") {{ {}name{} }} }}", "ofType { ".repeat(18), "}".repeat(18)),
        ),
        (
            "introspection as wide as it goes",
            format!("{{ __schema {{ types {{ fields {{ {} }} }} }} }}", "name ".repeat(150)),
        ),
        ("the standard introspection query", include_str!("../introspection.graphql").to_owned()),
    ]);
    for (name, outcome) in outcomes {
        match name.as_str() {
            // The operation has to be named.
            "15 operations" => assert!(outcome.is_err(), "{name}"),
            _ => assert_eq!(outcome, Ok(()), "{name}"),
        }
    }
}
