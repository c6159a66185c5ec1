//! Values that fit their types and mean nothing: IDs, cursors, pages, names, files that nobody sent.

use serde_json::{Value, json};

use super::{
    case::{
        Case,
        Expected::{self, Refused, Served, UserError},
        over_http,
    },
    world::World,
};

const WRONG_VALUE: Expected = Refused(400, "BAD_USER_INPUT");
const WRONG_FIELD: Expected = Refused(200, "BAD_USER_INPUT");
const INVALID: Expected = Refused(400, "GRAPHQL_VALIDATION_FAILED");
const MISTAKE: Expected = UserError("BAD_USER_INPUT");
const NOT_FOUND: Expected = UserError("NOT_FOUND");

pub fn cases(world: &World) -> Vec<Case> {
    let rows = [pages(world), ids(world), inputs(world), uploads()].concat();
    let rows = rows.into_iter().map(|(name, query, variables, it)| (name, world.operation(&query, &variables), it));
    over_http("a value", rows)
}

type Row = (String, String, Value, Expected);

fn row(name: impl Into<String>, query: impl Into<String>, variables: Value, expected: Expected) -> Row {
    (name.into(), query.into(), variables, expected)
}

fn pages(world: &World) -> Vec<Row> {
    let list = |arguments: &str, expected| {
        row(arguments, format!("{{ files({arguments}) {{ totalCount }} }}"), json!({}), expected)
    };
    let after = |name: &str, cursor: &str, expected| {
        row(
            format!("a cursor {name}"),
            "query($c: String) { files(after: $c) { nodes { id } } }",
            json!({ "c": cursor }),
            expected,
        )
    };
    let cursor = world.cursor.as_str();
    let mut rows = vec![
        list("first: 0", WRONG_FIELD),
        list("first: -1", WRONG_FIELD),
        list("first: 101", WRONG_FIELD),
        list("first: 2147483647", WRONG_FIELD),
        list("last: -2147483648", WRONG_FIELD),
        list("first: 1, last: 1", WRONG_FIELD),
        list("filter: { sha256: \"x\" }", Served),
        list("filter: { createdAfter: \"yesterday\" }", Refused(400, "GRAPHQL_VALIDATION_FAILED")),
        after("of nothing", "", WRONG_FIELD),
        after("of nonsense", "nonsense", WRONG_FIELD),
        after("of zeros", &"A".repeat(cursor.len()), WRONG_FIELD),
        after("cut short", &cursor[..cursor.len() - 1], WRONG_FIELD),
        after("made longer", &format!("{cursor}A"), WRONG_FIELD),
        after("twice", &format!("{cursor}{cursor}"), WRONG_FIELD),
        after("of 900 KB", &"A".repeat(900_000), WRONG_FIELD),
        after("with a NUL", &format!("{cursor}\0"), WRONG_FIELD),
        row(
            "a cursor of another order",
            "query($c: String) { files(after: $c, orderBy: { field: NAME, direction: ASC }) { nodes { id } } }",
            json!({ "c": cursor }),
            WRONG_FIELD,
        ),
        after("as it was", cursor, Served),
    ];
    // Wherever it is tampered with.
    for at in (0..cursor.len()).step_by(7) {
        let other = if &cursor[at..=at] == "A" { "B" } else { "A" };
        let tampered = format!("{}{other}{}", &cursor[..at], &cursor[at + 1..]);
        rows.push(after(&format!("with another letter at {at}"), &tampered, WRONG_FIELD));
    }
    rows
}

fn ids(world: &World) -> Vec<Row> {
    let zero = "f_AAAAAAAAAAAAAAAAAAAAAA";
    let long = "f_".to_owned() + &"A".repeat(900_000);
    let strange = [
        "",
        "f_",
        "x",
        "f_AAAAAAAAAAAAAAAAAAAAAB",
        "../../etc/passwd",
        "\0",
        "\u{202e}",
        "1",
        zero,
        &long,
        &world.user.id,
        &world.foreign,
    ];
    let mut rows = Vec::new();
    for id in strange {
        let name: String = id.chars().take(30).collect();
        let delete = "mutation($i: ID!) { delete(input: { fileId: $i }) { userErrors { code } } }";
        let move_into =
            "mutation($i: ID!, $f: ID!) { move(input: { fileId: $f, parentId: $i }) { userErrors { code } } }";
        let variables = json!({ "i": id, "f": world.file });
        rows.push(row(format!("deleting {name:?}"), delete, json!({ "i": id }), NOT_FOUND));
        rows.push(row(format!("moving into {name:?}"), move_into, variables, NOT_FOUND));
        let file = "query($i: ID!) { file(id: $i) { id } }";
        rows.push(row(format!("the file {name:?}"), file, json!({ "i": id }), Served));
        let list = "query($i: ID!) { files(parentId: $i) { totalCount } }";
        rows.push(row(format!("the list of {name:?}"), list, json!({ "i": id }), Served));
    }
    for value in [json!(null), json!(1.5), json!(true), json!([]), json!(["x", "y"]), json!({ "id": "x" })] {
        let node = "query($i: ID!) { node(id: $i) { id } }";
        rows.push(row(format!("the ID {value}"), node, json!({ "i": value }), WRONG_VALUE));
    }
    rows
}

fn inputs(world: &World) -> Vec<Row> {
    let mutate = |name: &str, input_type: &str, what: &str, input: Value, expected| {
        let query = format!("mutation($i: {input_type}!) {{ {name}(input: $i) {{ userErrors {{ code }} }} }}");
        row(format!("{name} with {what}"), query, json!({ "i": input }), expected)
    };
    let mut rows = Vec::new();
    let long = "x".repeat(900_000);
    for (what, name) in [
        ("no name", ""),
        ("a dot", "."),
        ("a slash", "a/b"),
        ("a NUL", "a\0b"),
        ("a line break", "a\nb"),
        ("a turned name", "a\u{202e}b"),
        ("a name of 900 KB", &long),
    ] {
        rows.push(mutate("createFolder", "CreateFolderInput", what, json!({ "name": name }), MISTAKE));
        let input = json!({ "fileId": world.file, "name": name });
        rows.push(mutate("rename", "RenameInput", what, input, MISTAKE));
    }
    for (what, email, password) in [
        ("no address", "", "long enough a password"),
        ("half an address", "ada@", "long enough a password"),
        ("two addresses", "a@example.org,b@example.org", "long enough a password"),
        ("a line break in the address", "a@example.org\r\nBcc: b", "long enough a password"),
        ("an address of 900 KB", &format!("{long}@example.org"), "long enough a password"),
        ("a short password", "new@example.org", "short"),
        ("a password of 900 KB", "new@example.org", &long),
    ] {
        let input = json!({ "email": email, "password": password });
        rows.push(mutate("register", "RegisterInput", what, input, MISTAKE));
    }
    let input = json!({ "email": "ada@example.org", "password": long });
    rows.push(mutate("login", "LoginInput", "a password of 900 KB", input, UserError("INVALID_CREDENTIALS")));
    let input = json!({ "email": "nobody\0@example.org", "password": "x" });
    rows.push(mutate("login", "LoginInput", "a NUL", input, UserError("INVALID_CREDENTIALS")));
    let unknown = json!({ "name": "x", "__proto__": { "isPublic": true } });
    rows.push(mutate("createFolder", "CreateFolderInput", "an unknown field", unknown, WRONG_VALUE));
    rows.push(mutate("createFolder", "CreateFolderInput", "nothing", json!({}), WRONG_VALUE));
    rows.push(mutate("move", "MoveInput", "no parent", json!({ "fileId": world.file }), MISTAKE));
    let into_itself = json!({ "fileId": world.folder, "parentId": world.folder });
    rows.push(mutate("move", "MoveInput", "itself", into_itself, UserError("FOLDER_CYCLE")));
    rows.push(mutate("retryThumbnails", "RetryThumbnailsInput", "a text", json!({ "fileId": world.file }), MISTAKE));
    let filter = "query($f: FileFilter) { files(filter: $f) { totalCount } }";
    for (what, value, expected) in [
        ("a part of a name of 900 KB", json!({ "nameContains": long }), Served),
        ("a part of a name like a pattern", json!({ "nameContains": ".*(a+)+$%_\\" }), Served),
        ("an operator", json!({ "nameContains": { "$gt": "" } }), WRONG_VALUE),
        ("a date of nonsense", json!({ "createdAfter": "2026-13-45T99:99:99Z" }), WRONG_VALUE),
        ("a date beyond everything", json!({ "createdBefore": "9999999-01-01T00:00:00Z" }), WRONG_VALUE),
        ("9,000 kinds", json!({ "kinds": vec!["FILE"; 9_000] }), Served),
        ("an unknown kind", json!({ "kinds": ["FILE", "SOCKET"] }), WRONG_VALUE),
    ] {
        rows.push(row(format!("a filter by {what}"), filter, json!({ "f": value }), expected));
    }
    for seconds in ["59", "604801", "-1", "2147483647"] {
        let query = format!("query($i: ID!) {{ file(id: $i) {{ url(expiresIn: {seconds}) }} }}");
        rows.push(row(format!("a URL for {seconds} s"), query, json!({ "i": world.file }), WRONG_FIELD));
    }
    rows
}

/// Uploads by plain JSON: there are no files.
fn uploads() -> Vec<Row> {
    let query = "mutation($f: Upload!) { upload(input: { file: $f }) { file { id } userErrors { code } } }";
    let mut rows = Vec::new();
    for forged in ["#__graphql_file__:0", "#__graphql_file__:99", "0", ":0", "x:0", "AAAAAAAAAAAAAAAAAAAAAA:0", ""] {
        rows.push(row(format!("an upload of {forged:?}"), query, json!({ "f": forged }), WRONG_VALUE));
        rows.push(row(format!("an upload of the part {forged:?}"), query, json!({ "f": { "part": forged } }), MISTAKE));
        for (literal, expected) in [(format!("{forged:?}"), INVALID), (format!("{{part: {forged:?}}}"), MISTAKE)] {
            let document = query.replace("($f: Upload!)", "").replace("$f", &literal);
            rows.push(row(format!("an upload of {literal} in the document"), document, json!({}), INVALID));
            let default = query.replace("Upload!", &format!("Upload! = {literal}"));
            rows.push(row(format!("an upload of {literal} by default"), default, json!({}), expected));
        }
    }
    for value in
        [json!(null), json!(0), json!(true), json!({}), json!({ "name": "x", "type": "y" }), json!([]), json!(["x"])]
    {
        rows.push(row(format!("an upload of {value}"), query, json!({ "f": value }), WRONG_VALUE));
    }
    let many = "mutation($i: UploadManyInput!) { uploadMany(input: $i) { results { userErrors { code } } userErrors { code } } }";
    let files = |count: usize| json!({ "i": { "files": vec![json!({ "file": { "part": "x:0" } }); count] } });
    rows.push(row("no uploads at all", many, files(0), Served));
    rows.push(row("11 uploads", many, files(11), MISTAKE));
    rows.push(row("3,000 uploads", many, files(3_000), MISTAKE));
    rows
}
