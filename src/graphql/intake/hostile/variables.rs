//! Variables that are deep, long or many, and values that are not what they seem.

use super::*;

const LIST: &str =
    "query ($f: FileFilter, $n: Int, $id: ID) { files(filter: $f, first: $n, parentId: $id) { totalCount } }";

fn variables(query: &str, all: Vec<(&str, String)>) -> Vec<(String, Outcome)> {
    prepare_all(false, all.into_iter().map(|(name, json)| (name.to_owned(), query.to_owned(), json)).collect())
}

#[test]
fn variables_that_are_hostile_are_refused() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    all_refused(
        variables(
            LIST,
            vec![
                ("a list of 500,000 numbers", format!("{{\"f\": {{\"kinds\": [{}1]}}}}", "1,".repeat(500_000))),
                ("a list of 300,000 lists", format!("{{\"n\": [{}[]]}}", "[],".repeat(300_000))),
                ("120 lists in each other", format!("{{\"f\": {{\"kinds\": {}}}}}", deep(120))),
                ("120 objects in each other", format!("{{\"f\": {}1{}}}", "{\"f\":".repeat(120), "}".repeat(120))),
                ("a key of 900,000 letters", format!("{{\"f\": {{\"{}\": 1}}}}", "x".repeat(900_000))),
                ("100,000 unknown fields", format!("{{\"f\": {{{}\"x\": 1}}}}", many(100_000, "\"a#\": 1,"))),
                ("a value of 900,000 letters", format!("{{\"n\": \"{}\"}}", "x".repeat(900_000))),
                (
                    "an enum value of 900,000 letters",
                    format!("{{\"f\": {{\"kinds\": [\"{}\"]}}}}", "x".repeat(900_000)),
                ),
                (
                    "an instant of 900,000 letters",
                    format!("{{\"f\": {{\"createdAfter\": \"{}\"}}}}", "1".repeat(900_000)),
                ),
                ("an integer beyond 32 bits", "{\"n\": 9223372036854775807}".to_owned()),
                ("an integer beyond 64 bits", "{\"n\": 99999999999999999999999}".to_owned()),
                ("a very large number", "{\"n\": 1e300}".to_owned()),
                ("an ID with a fraction", "{\"id\": -0.5}".to_owned()),
                ("an ID that is minus zero", "{\"id\": -0}".to_owned()),
                ("a ticket in place of a filter", "{\"f\": \"#__graphql_file__:99\"}".to_owned()),
            ],
        ),
        &["BAD_USER_INPUT"],
    );
    all_refused(
        variables(
            LIST,
            vec![
                ("100,000 lists in each other", format!("{{\"f\": {}}}", deep(100_000))),
                ("200 lists in each other, unused", format!("{{\"x\": {}}}", deep(200))),
                ("an integer of 100,000 digits", format!("{{\"n\": {}}}", "9".repeat(100_000))),
                ("a number beyond all numbers", "{\"n\": 1e400}".to_owned()),
                ("half a surrogate pair", "{\"id\": \"\\ud800\"}".to_owned()),
            ],
        ),
        &["JSON"],
    );
}

#[test]
fn variables_that_are_large_are_taken_at_once() {
    let kinds = "\"IMAGE\",".repeat(130_000);
    let outcomes = variables(
        LIST,
        vec![
            ("100,000 variables that nobody defined", format!("{{{}\"n\": 1}}", many(100_000, "\"a#\": 1,"))),
            ("a list of 130,000", format!("{{\"f\": {{\"kinds\": [{kinds}\"FILE\"]}}}}")),
            ("an ID of 1 MiB", format!("{{\"id\": \"{}\"}}", "x".repeat(1 << 20))),
            ("an ID of NUL characters", format!("{{\"id\": \"{}\"}}", "\\u0000".repeat(1_000))),
            ("a name twice: the last one counts", "{\"n\": \"x\", \"n\": 1}".to_owned()),
            ("a whole number as a fraction", "{\"n\": 1.0, \"id\": 7}".to_owned()),
            ("minus zero", "{\"n\": -0.0}".to_owned()),
            ("the largest integers", "{\"n\": -2147483648, \"id\": 18446744073709551615}".to_owned()),
        ],
    );
    for (name, outcome) in outcomes {
        assert_eq!(outcome, Ok(()), "{name}");
    }
}

#[test]
fn a_large_variable_in_place_of_a_page_size_is_looked_at_and_not_copied() {
    let operations = many(15, "query A#($n: Int) { ...f }");
    let pages = "files(first: $n) { nodes { id } } ".repeat(19);
    let query = format!("{operations} fragment f on Query {{ {pages} }}");
    let list = format!("{{\"n\": [{}1]}}", "1,".repeat(500_000));
    all_refused(variables(&query, vec![("a list as the size of 285 pages", list)]), &[INVALID]);
}

#[test]
fn a_string_is_no_file_and_a_file_is_no_string() {
    let forged = "#__graphql_file__:99";
    let part = "{\"part\": \"x:0\"}";
    let upload = "mutation ($f: Upload!) { upload(input: {file: $f}) { file { id } } }";
    let many = "mutation ($i: [UploadManyItem!]!) { uploadMany(input: {files: $i}) { userErrors { code } } }";
    let delete = "mutation ($f: ID!) { delete(input: {fileId: $f}) { userErrors { code } } }";
    let variables = |what: &str, query: &str, variables: String| (what.to_owned(), query.to_owned(), variables);
    all_refused(
        prepare_all(
            false,
            vec![
                variables("a string", upload, format!("{{\"f\": \"{forged}\"}}")),
                variables("a string in a list", many, format!("{{\"i\": {{\"file\": \"{forged}\"}}}}")),
                variables("a file as an ID", delete, format!("{{\"f\": {part}}}")),
            ],
        ),
        &["BAD_USER_INPUT"],
    );
    for (query, variables) in [
        // It has the shape of a ticket; whether it is one is for the request's table of parts.
        (upload, format!("{{\"f\": {part}}}")),
        ("query ($id: ID!) { file(id: $id) { id } }", format!("{{\"id\": \"{forged}\"}}")),
        ("query ($id: ID! = \"#__graphql_file__:99\") { file(id: $id) { id } }", "{}".to_owned()),
    ] {
        let outcomes = prepare_all(false, vec![(query.to_owned(), query.to_owned(), variables)]);
        assert_eq!(outcomes[0].1, Ok(()), "{query}");
    }
    all_refused(
        prepare_all(
            false,
            vec![
                (
                    "a ticket as an enum".to_owned(),
                    format!("{{ file(id: 1) {{ url(disposition: \"{forged}\") }} }}"),
                    "{}".to_owned(),
                ),
                (
                    "a file for a query".to_owned(),
                    "query ($f: Upload) { node(id: $f) { id } }".to_owned(),
                    "{}".to_owned(),
                ),
                (
                    "a file as an ID".to_owned(),
                    "mutation ($f: Upload!) { delete(input: {fileId: $f}) { userErrors { code } } }".to_owned(),
                    "{}".to_owned(),
                ),
            ],
        ),
        &[INVALID],
    );
}
