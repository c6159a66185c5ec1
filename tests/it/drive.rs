//! Files and folders through the API: finding, listing, naming, moving, publishing, deleting.

use serde_json::{Value, json};

use crate::support::{
    Backend,
    app::{TestApp, codes, error_code, jpeg, transparent_png},
    client::Client,
};

const MISSING: &str = "f_AAAAAAAAAAAAAAAAAAAAAA";

fn id(file: &Value) -> String {
    file["id"].as_str().unwrap_or_else(|| panic!("no ID in {file}")).to_owned()
}

async fn rename(client: &Client, file: &str, name: &str) -> Value {
    client.mutate("rename", "RenameInput", "file { ...F }", json!({ "fileId": file, "name": name })).await
}

async fn in_queries_what_cannot_be_seen_is_null_without_an_error(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let secret = id(&bob.upload("secret", "x").await);
    for unseen in [MISSING, "nonsense", "", &secret, &bob.id] {
        assert_eq!(ada.file(unseen).await, Value::Null, "{unseen}");
        let node = ada.data("query($id: ID!) { node(id: $id) { __typename id } }", json!({ "id": unseen })).await;
        assert_eq!(node["node"], Value::Null, "{unseen}");
        let list = ada.data("query($id: ID) { files(parentId: $id) { totalCount } }", json!({ "id": unseen })).await;
        assert_eq!(list["files"], Value::Null, "{unseen}");
    }
    let node = ada.data("query($id: ID!) { node(id: $id) { __typename ... on User { email } } }", json!({ "id": ada.id })).await;
    assert_eq!(node["node"], json!({ "__typename": "User", "email": "ada@example.org" }));
}

async fn in_mutations_what_cannot_be_seen_is_not_found(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let theirs = id(&bob.upload("theirs", "x").await);
    bob.set_public(&theirs, true).await;
    for unseen in [MISSING, "nonsense", &ada.id, &theirs] {
        let name = "file { id }";
        for payload in [
            ada.mutate("rename", "RenameInput", name, json!({ "fileId": unseen, "name": "x" })).await,
            ada.mutate("setPublic", "SetPublicInput", name, json!({ "fileId": unseen, "isPublic": false })).await,
            ada.mutate("move", "MoveInput", name, json!({ "fileId": unseen, "parentId": null })).await,
            ada.mutate("delete", "DeleteInput", "deletedFileId", json!({ "fileId": unseen })).await,
            ada.mutate("retryThumbnails", "RetryThumbnailsInput", name, json!({ "fileId": unseen })).await,
        ] {
            assert_eq!(codes(&payload), ["NOT_FOUND"], "{unseen}: {payload}");
            assert_eq!(payload["userErrors"][0]["field"], json!(["input", "fileId"]), "{payload}");
        }
    }
    assert_eq!(bob.file(&theirs).await["name"], "theirs");
}

async fn a_public_file_is_seen_by_strangers_and_shows_no_more_than_it_should(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let (ada, anon) = (app.user("ada").await, app.anon());
    let folder = ada.folder("folder", None).await;
    let file = id(&ada.upload_into(&folder, "file", "x").await);
    let inner = id(&ada.upload_into(&folder, "inner", "x").await);
    assert_eq!(anon.file(&file).await, Value::Null);
    let published = ada.set_public(&file, true).await;
    assert_eq!(published["file"]["isPublic"], true);
    let query = "query($id: ID!) { file(id: $id) { name parent { id } ancestors { id } descendantCount \
                 owner { id email usage { bytes } files { totalCount } } } }";
    let seen = anon.data(query, json!({ "id": file })).await;
    let owner = json!({ "id": ada.id, "email": null, "usage": null, "files": null });
    let expected = json!({ "name": "file", "parent": null, "ancestors": null, "descendantCount": null, "owner": owner });
    assert_eq!(seen["file"], expected);
    // A folder does not lend its being public to what it holds.
    ada.set_public(&folder, true).await;
    let query = "query($id: ID!) { file(id: $id) { children { totalCount nodes { name } } } }";
    let seen = anon.data(query, json!({ "id": folder })).await;
    assert_eq!(seen["file"]["children"], json!({ "totalCount": 1, "nodes": [{ "name": "file" }] }));
    assert_eq!(anon.file(&inner).await, Value::Null);
    let own = ada.data(query, json!({ "id": folder })).await;
    assert_eq!(own["file"]["children"]["totalCount"], 2);
    // Setting what is already set succeeds; taking it back hides it at once.
    assert_eq!(codes(&ada.set_public(&file, true).await), [""; 0]);
    ada.set_public(&file, false).await;
    assert_eq!(anon.file(&file).await, Value::Null);
}

async fn folders_nest_and_tell_their_place(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let a = ada.folder("a", None).await;
    let b = ada.folder("b", Some(&a)).await;
    let file = id(&ada.upload_into(&b, "file", "12345").await);
    let query = "query($id: ID!) { file(id: $id) { kind parent { name } ancestors { name } descendantCount size url \
                 mediaType sha256 width thumbnailStatus children { totalCount } } }";
    let seen = ada.data(query, json!({ "id": file })).await;
    assert_eq!(seen["file"]["ancestors"], json!([{ "name": "a" }, { "name": "b" }]));
    assert_eq!(seen["file"]["parent"], json!({ "name": "b" }));
    assert_eq!(seen["file"]["descendantCount"], Value::Null);
    assert_eq!(seen["file"]["children"], Value::Null);
    let seen = ada.data(query, json!({ "id": a })).await;
    assert_eq!(seen["file"]["descendantCount"], 2);
    assert_eq!(seen["file"]["ancestors"], json!([]));
    for null in ["parent", "size", "url", "mediaType", "sha256", "width", "thumbnailStatus"] {
        assert_eq!(seen["file"][null], Value::Null, "{null}");
    }
    let usage = ada.data("{ viewer { usage { fileCount bytes } } }", json!({})).await;
    assert_eq!(usage["viewer"]["usage"], json!({ "fileCount": 1, "bytes": 5 }));
}

async fn a_folder_never_ends_up_inside_itself(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let a = ada.folder("a", None).await;
    let b = ada.folder("b", Some(&a)).await;
    for target in [&a, &b] {
        let payload = ada.relocate(&a, Some(target)).await;
        assert_eq!(codes(&payload), ["FOLDER_CYCLE"]);
        assert_eq!(payload["userErrors"][0]["field"], json!(["input", "parentId"]));
    }
    let left = ada.mutate("move", "MoveInput", "file { id }", json!({ "fileId": b })).await;
    assert_eq!(codes(&left), ["BAD_USER_INPUT"]);
    assert_eq!(left["userErrors"][0]["field"], json!(["input", "parentId"]));
    assert_eq!(ada.names(Some(&a)).await, ["b"]);
    assert_eq!(ada.relocate(&b, None).await["file"]["parent"], Value::Null);
    assert_eq!(ada.relocate(&a, Some(&b)).await["file"]["parent"]["id"], b.as_str());
}

async fn two_moves_that_would_close_a_cycle_do_not_both_succeed(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for round in 0..10 {
        let a = ada.folder(&format!("a{round}"), None).await;
        let b = ada.folder(&format!("b{round}"), None).await;
        let (one, other) = tokio::join!(ada.relocate(&a, Some(&b)), ada.relocate(&b, Some(&a)));
        let won = [&one, &other].iter().filter(|payload| codes(payload).is_empty()).count();
        assert!(won <= 1, "{one} {other}");
        let query = "query($a: ID!, $b: ID!) { a: file(id: $a) { ancestors { id } } b: file(id: $b) { ancestors { id } } }";
        let seen = ada.data(query, json!({ "a": a, "b": b })).await;
        let depth = |name: &str| seen[name]["ancestors"].as_array().unwrap().len();
        assert_eq!(depth("a") + depth("b"), won, "{seen}");
    }
}

async fn what_is_deleted_is_gone_at_once_with_all_it_holds(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let a = ada.folder("a", None).await;
    let b = ada.folder("b", Some(&a)).await;
    let file = ada.upload_into(&b, "file", "x").await;
    ada.set_public(file["id"].as_str().unwrap(), true).await;
    let url = ada.file(&id(&file)).await["url"].as_str().unwrap().to_owned();
    let deleted = ada.delete(&a).await;
    assert_eq!(deleted["deletedFileId"], a.as_str());
    for gone in [a.as_str(), b.as_str(), file["id"].as_str().unwrap()] {
        assert_eq!(ada.file(gone).await, Value::Null);
        assert_eq!(codes(&rename(&ada, gone, "x").await), ["NOT_FOUND"]);
        assert_eq!(codes(&ada.delete(gone).await), ["NOT_FOUND"]);
    }
    assert_eq!(app.anon().get(&url).await.status(), 404);
    let rest = ada.data("{ viewer { usage { fileCount bytes } files { totalCount nodes { id } } } }", json!({})).await;
    assert_eq!(rest["viewer"], json!({ "usage": { "fileCount": 0, "bytes": 0 }, "files": { "totalCount": 0, "nodes": [] } }));
    app.purge().await;
    assert_eq!(app.home.blob_files().len(), 0);
}

async fn an_upload_or_move_into_a_folder_that_is_being_deleted_leaves_nothing_behind(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for _ in 0..10 {
        let outer = ada.folder("outer", None).await;
        let inner = ada.folder("inner", Some(&outer)).await;
        let mover = id(&ada.upload("mover", "y").await);
        let parent = json!({ "parentId": inner });
        let (uploaded, moved, deleted) = tokio::join!(
            ada.upload_with(("up", b"x".to_vec()), parent),
            ada.relocate(&mover, Some(&inner)),
            ada.delete(&outer),
        );
        assert_eq!(codes(&deleted), [""; 0]);
        if let Some(id) = uploaded["file"]["id"].as_str() {
            assert_eq!(ada.file(id).await, Value::Null);
        } else {
            assert_eq!(codes(&uploaded), ["NOT_FOUND"]);
        }
        // Either it moved and was deleted with the folder, or it stayed where it was.
        match moved["file"]["id"].as_str() {
            Some(id) => assert_eq!(ada.file(id).await, Value::Null),
            None => assert_eq!(codes(&moved), ["NOT_FOUND"]),
        }
        if !ada.file(&mover).await.is_null() {
            assert_eq!(codes(&ada.delete(&mover).await), [""; 0]);
        }
    }
    app.purge().await;
    assert_eq!(app.home.blob_files().len(), 0);
    assert_eq!(ada.names(None).await, [""; 0]);
}

async fn names_are_checked_when_they_change(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let file = id(&ada.upload("file", "x").await);
    for name in ["", "..", "a/b", "\u{202e}x"] {
        let payload = rename(&ada, &file, name).await;
        assert_eq!(codes(&payload), ["BAD_USER_INPUT"]);
        assert_eq!(payload["userErrors"][0]["field"], json!(["input", "name"]));
        let payload = ada.mutate("createFolder", "CreateFolderInput", "folder { id }", json!({ "name": name })).await;
        assert_eq!(codes(&payload), ["BAD_USER_INPUT"]);
    }
    let renamed = rename(&ada, &file, "new name.txt").await;
    assert_eq!(renamed["file"]["name"], "new name.txt");
    assert!(renamed["file"]["updatedAt"].as_str() > renamed["file"]["createdAt"].as_str());
}

async fn pages_go_forwards_and_backwards_by_relays_rules(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for name in ["c", "A", "e", "B", "d"] {
        ada.folder(name, None).await;
    }
    let query = "query($first: Int, $after: String, $last: Int, $before: String) { \
                 files(first: $first, after: $after, last: $last, before: $before, orderBy: { field: NAME, direction: ASC }) { \
                 totalCount nodes { name } edges { cursor node { name } } \
                 pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let page = async |variables: Value| ada.data(query, variables).await["files"].clone();
    let names = |page: &Value| -> String {
        page["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect()
    };
    let flags = |page: &Value| (page["pageInfo"]["hasPreviousPage"].as_bool(), page["pageInfo"]["hasNextPage"].as_bool());
    let first = page(json!({ "first": 2 })).await;
    assert_eq!((names(&first).as_str(), flags(&first)), ("AB", (Some(false), Some(true))));
    assert_eq!(first["totalCount"], 5);
    assert_eq!(first["pageInfo"]["endCursor"], first["edges"][1]["cursor"]);
    let second = page(json!({ "first": 2, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!((names(&second).as_str(), flags(&second)), ("cd", (Some(true), Some(true))));
    let third = page(json!({ "first": 2, "after": second["pageInfo"]["endCursor"] })).await;
    assert_eq!((names(&third).as_str(), flags(&third)), ("e", (Some(true), Some(false))));
    let back = page(json!({ "last": 2, "before": third["pageInfo"]["startCursor"] })).await;
    assert_eq!((names(&back).as_str(), flags(&back)), ("cd", (Some(true), Some(true))));
    let end = page(json!({ "last": 2 })).await;
    assert_eq!((names(&end).as_str(), flags(&end)), ("de", (Some(true), Some(false))));
    let none = page(json!({ "first": 2, "after": third["pageInfo"]["endCursor"] })).await;
    assert_eq!((names(&none).as_str(), none["pageInfo"]["startCursor"].clone()), ("", Value::Null));
    let between = json!({ "first": 9, "after": first["edges"][0]["cursor"], "before": third["edges"][0]["cursor"] });
    assert_eq!(names(&page(between).await), "Bcd");
}

async fn a_page_that_makes_no_sense_is_refused(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    ada.folder("a", None).await;
    ada.folder("b", None).await;
    let cursor = ada.data("{ files(first: 1) { edges { cursor } } }", json!({})).await["files"]["edges"][0]["cursor"].clone();
    let cursor = cursor.as_str().unwrap();
    let tampered = format!("{}{}", if cursor.starts_with('A') { 'B' } else { 'A' }, &cursor[1..]);
    for arguments in [
        "first: 0".to_owned(),
        "first: -1".to_owned(),
        "first: 1000".to_owned(),
        "last: 101".to_owned(),
        "first: 1, last: 1".to_owned(),
        "after: \"nonsense\"".to_owned(),
        format!("after: \"{tampered}\""),
        format!("after: \"{cursor}\", orderBy: {{ field: NAME, direction: ASC }}"),
    ] {
        let answer = ada.gql(&format!("{{ files({arguments}) {{ nodes {{ id }} }} limits {{ pageSize }} }}"), json!({})).await;
        assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{arguments}: {answer}");
        assert_eq!(answer["data"], json!({ "files": null, "limits": { "pageSize": 100 } }));
    }
}

async fn every_filter_and_order_works_through_the_api(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let folder = ada.folder("Folder", None).await;
    let text = ada.upload_into(&folder, "Straße.txt", "hello").await;
    ada.upload("photo.jpg", jpeg(30, 20, 1)).await;
    ada.upload("logo.png", transparent_png(10, 10)).await;
    ada.set_public(text["id"].as_str().unwrap(), true).await;
    let created = text["createdAt"].as_str().unwrap();
    let list = async |arguments: &str| -> Vec<String> {
        let query = format!("{{ viewer {{ files({arguments}) {{ totalCount nodes {{ name }} }} }} }}");
        let answer = ada.data(&query, json!({})).await;
        let nodes = answer["viewer"]["files"]["nodes"].as_array().unwrap().clone();
        assert_eq!(answer["viewer"]["files"]["totalCount"], nodes.len(), "{arguments}");
        nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
    };
    let by_name = "orderBy: { field: NAME, direction: ASC }";
    for (filter, expected) in [
        ("{}", vec!["Folder", "logo.png", "photo.jpg", "Straße.txt"]),
        ("{ kinds: [FILE, FOLDER] }", vec!["Folder", "Straße.txt"]),
        ("{ kinds: [] }", vec![]),
        ("{ isPublic: true }", vec!["Straße.txt"]),
        ("{ nameContains: \"STRASSE\" }", vec!["Straße.txt"]),
        ("{ nameContains: \"O\", kinds: [IMAGE] }", vec!["logo.png", "photo.jpg"]),
        ("{ nameContains: \".*\" }", vec![]),
        ("{ thumbnailStatus: PENDING }", vec!["logo.png", "photo.jpg"]),
        ("{ thumbnailStatus: READY }", vec![]),
        (&format!("{{ sha256: \"{}\" }}", text["sha256"].as_str().unwrap().to_uppercase()), vec!["Straße.txt"]),
        (&format!("{{ createdAfter: \"{created}\" }}"), vec!["logo.png", "photo.jpg"]),
        (&format!("{{ createdBefore: \"{created}\" }}"), vec!["Folder"]),
    ] {
        assert_eq!(list(&format!("filter: {filter}, {by_name}")).await, expected, "{filter}");
    }
    assert_eq!(list("").await, ["logo.png", "photo.jpg", "Straße.txt", "Folder"]);
    assert_eq!(list("orderBy: null").await, ["logo.png", "photo.jpg", "Straße.txt", "Folder"]);
    assert_eq!(list("orderBy: { field: NAME, direction: DESC }").await[0], "Straße.txt");
    assert_eq!(list("orderBy: { field: SIZE, direction: ASC }").await[..2], ["Folder", "Straße.txt"]);
    assert_eq!(ada.names(Some(&folder)).await, ["Straße.txt"]);
}

crate::on_both_back_ends!(
    in_queries_what_cannot_be_seen_is_null_without_an_error,
    in_mutations_what_cannot_be_seen_is_not_found,
    a_public_file_is_seen_by_strangers_and_shows_no_more_than_it_should,
    folders_nest_and_tell_their_place,
    a_folder_never_ends_up_inside_itself,
    two_moves_that_would_close_a_cycle_do_not_both_succeed,
    what_is_deleted_is_gone_at_once_with_all_it_holds,
    an_upload_or_move_into_a_folder_that_is_being_deleted_leaves_nothing_behind,
    names_are_checked_when_they_change,
    pages_go_forwards_and_backwards_by_relays_rules,
    a_page_that_makes_no_sense_is_refused,
    every_filter_and_order_works_through_the_api,
);
