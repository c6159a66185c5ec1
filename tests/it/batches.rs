//! Several operations in one request: off unless a setting allows them.

use serde_json::{Value, json};

use crate::support::{
    Backend,
    app::{TestApp, error_code},
    client::Client,
};

const ON: &[(&str, &str)] = &[("limits.batch_operations", "3")];
const UPLOAD: &str = "mutation($f: Upload!) { upload(input: { file: $f }) { file { name size } userErrors { code } } }";

async fn post(client: &Client, body: Value) -> (u16, Value) {
    let request = client.http.post(format!("{}/graphql", client.url)).json(&body);
    let response = request.bearer_auth(client.token.as_ref().unwrap()).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn upload(client: &Client, operations: Value, map: Value, parts: &[&str]) -> (u16, Value) {
    let form = reqwest::multipart::Form::new().text("operations", operations.to_string()).text("map", map.to_string());
    let form = parts.iter().fold(form, |form, name| {
        let part = reqwest::multipart::Part::bytes(name.as_bytes().to_vec()).file_name(format!("{name}.txt"));
        form.part(name.to_string(), part)
    });
    let request = client.http.post(format!("{}/graphql", client.url)).multipart(form);
    let response = request.bearer_auth(client.token.as_ref().unwrap()).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn a_batch_is_refused_by_default(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let (status, answer) = post(&ada, json!([{ "query": "{ __typename }" }])).await;
    assert_eq!((status, error_code(&answer)), (400, "BAD_REQUEST"));
    assert_eq!(answer["errors"][0]["message"], "Batching is off: send one operation a request.");
    let operations = json!([{ "query": UPLOAD, "variables": { "f": null } }]);
    let (status, answer) = upload(&ada, operations, json!({ "a": ["0.variables.f"] }), &["a"]).await;
    assert_eq!((status, error_code(&answer)), (400, "BAD_REQUEST"), "{answer}");
    assert_eq!(ada.names(None).await, [""; 0]);
    assert!(app.home.blob_files().is_empty());
}

async fn each_operation_of_a_batch_has_its_answer(backend: Backend) {
    let app = TestApp::with(backend, ON).await;
    let ada = app.user("ada").await;
    let folder = "mutation { createFolder(input: { name: \"f\" }) { folder { name } } }";
    let (status, answers) =
        post(&ada, json!([{ "query": "{ viewer { id } }" }, { "query": "{" }, { "query": folder }])).await;
    assert_eq!(status, 200);
    assert_eq!(answers.as_array().unwrap().len(), 3);
    assert_eq!(answers[0], json!({ "data": { "viewer": { "id": ada.id } } }));
    assert_eq!(error_code(&answers[1]), "GRAPHQL_PARSE_FAILED");
    assert!(answers[1].get("data").is_none());
    assert_eq!(answers[2], json!({ "data": { "createFolder": { "folder": { "name": "f" } } } }));
    let (_, answers) = post(&ada, json!([{ "query": "subscription { thumbnailReady { id } }" }])).await;
    assert_eq!(error_code(&answers[0]), "BAD_REQUEST");
    for body in [json!([]), json!([1]), json!([[]]), json!([{}]), vec![json!({ "query": "{ __typename }" }); 4].into()]
    {
        let (status, answer) = post(&ada, body).await;
        assert_eq!((status, error_code(&answer)), (400, "BAD_REQUEST"));
    }
}

async fn a_batch_whose_answer_cannot_be_written_is_not_executed(backend: Backend) {
    let app = TestApp::with(backend, ON).await;
    let ada = app.user("ada").await;
    let folder = json!([{ "query": "mutation { createFolder(input: { name: \"f\" }) { folder { name } } }" }]);
    let request = ada.http.post(format!("{}/graphql", ada.url)).json(&folder).header("Accept", "text/event-stream");
    let response = request.bearer_auth(ada.token.as_ref().unwrap()).send().await.unwrap();
    assert_eq!(response.status(), 406);
    assert_eq!(error_code(&response.json().await.unwrap()), "BAD_REQUEST");
    assert_eq!(ada.names(None).await, [""; 0]);
    // Where any document is accepted, it is one.
    let request = ada.http.post(format!("{}/graphql", ada.url)).json(&folder);
    let request = request.header("Accept", "text/event-stream, application/json;q=0.5");
    let response = request.bearer_auth(ada.token.as_ref().unwrap()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap()[0]["data"]["createFolder"]["folder"]["name"], "f");
}

async fn a_batch_may_hold_files(backend: Backend) {
    let app = TestApp::with(backend, ON).await;
    let ada = app.user("ada").await;
    let one = || json!({ "query": UPLOAD, "variables": { "f": null } });
    let map = json!({ "first": ["0.variables.f"], "second": ["2.variables.f"] });
    let (status, answers) =
        upload(&ada, json!([one(), { "query": "{ nothing }" }, one()]), map, &["second", "first"]).await;
    assert_eq!(status, 200, "{answers}");
    let stored = |name: &str| json!({ "data": { "upload": { "file": { "name": format!("{name}.txt"), "size": name.len() }, "userErrors": [] } } });
    assert_eq!((&answers[0], &answers[2]), (&stored("first"), &stored("second")));
    assert_eq!(error_code(&answers[1]), "GRAPHQL_VALIDATION_FAILED");
    for path in ["variables.f", "1.variables.f", "0.query", "4294967295.variables.f"] {
        let (status, answer) = upload(&ada, json!([one()]), json!({ "a": [path] }), &["a"]).await;
        assert_eq!((status, error_code(&answer)), (400, "BAD_REQUEST"), "{path}: {answer}");
    }
    assert_eq!(app.home.blob_files().len(), 2);
}

crate::on_both_back_ends!(
    a_batch_is_refused_by_default,
    each_operation_of_a_batch_has_its_answer,
    a_batch_whose_answer_cannot_be_written_is_not_executed,
    a_batch_may_hold_files,
);
