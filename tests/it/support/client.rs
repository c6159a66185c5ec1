//! A client, as a script or a front end would be one: HTTP, GraphQL, multipart, WebSocket.

use std::{net::TcpStream, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Response, multipart};
use serde_json::{Value, json};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use super::app::PATIENCE;

/// Fields of a file that most tests look at.
pub const FILE: &str = "fragment F on File { id name kind isPublic size mediaType sha256 width height thumbnailStatus \
                        thumbnailError thumbhash createdAt updatedAt url parent { id } owner { id } \
                        thumbnail { size width height mediaType bytes url } thumbnails { size width height url } }";

/// Somebody who talks to the server.
#[derive(Clone)]
pub struct Client {
    pub http: reqwest::Client,
    pub url: String,
    pub token: Option<String>,
    pub id: String,
    pub email: String,
}

/// One file of an upload: name and bytes.
pub type Upload<'a> = (&'a str, Vec<u8>);

impl Client {
    pub fn new(url: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        Self { http, url: url.to_owned(), token: None, id: String::new(), email: String::new() }
    }

    pub const PASSWORD: &str = "correct horse battery";

    pub async fn register(mut self, email: &str) -> Self {
        let query =
            "mutation($i: RegisterInput!) { register(input: $i) { token user { id } userErrors { code message } } }";
        let answer = self.data(query, json!({ "i": { "email": email, "password": Self::PASSWORD } })).await;
        let payload = &answer["register"];
        self.token = Some(payload["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned());
        payload["user"]["id"].as_str().unwrap().clone_into(&mut self.id);
        email.clone_into(&mut self.email);
        self
    }

    /// The same account in another session.
    pub async fn login(&self) -> Self {
        let payload = self.try_login(&self.email, Self::PASSWORD).await;
        Self {
            token: Some(payload["token"].as_str().unwrap_or_else(|| panic!("no token: {payload}")).to_owned()),
            ..self.clone()
        }
    }

    pub async fn try_login(&self, email: &str, password: &str) -> Value {
        let query =
            "mutation($i: LoginInput!) { login(input: $i) { token user { id } userErrors { code message field } } }";
        let anon = Self { token: None, ..self.clone() };
        let answer = anon.gql(query, json!({ "i": { "email": email, "password": password } })).await;
        if answer["data"]["login"].is_null() { answer } else { answer["data"]["login"].clone() }
    }

    fn request(&self, builder: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.token {
            Some(token) => builder.bearer_auth(token),
            None => builder,
        }
    }

    /// Posts an operation and answers the whole response.
    pub async fn post(&self, query: &str, variables: Value) -> Response {
        let body = json!({ "query": query, "variables": variables });
        self.request(self.http.post(format!("{}/graphql", self.url)).json(&body)).send().await.unwrap()
    }

    /// Posts an operation and answers the JSON.
    pub async fn gql(&self, query: &str, variables: Value) -> Value {
        self.post(query, variables).await.json().await.unwrap()
    }

    /// Posts an operation that has no errors and answers its data.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.gql(query, variables).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].take()
    }

    /// Sends a multipart request: the operation, the map from part to variable, the parts.
    pub async fn multipart(
        &self,
        query: &str,
        variables: Value,
        map: Value,
        parts: Vec<(&str, Upload<'_>)>,
    ) -> Response {
        let operations = json!({ "query": query, "variables": variables });
        let mut form = multipart::Form::new().text("operations", operations.to_string()).text("map", map.to_string());
        for (part, (name, bytes)) in parts {
            form = form.part(part.to_owned(), multipart::Part::bytes(bytes).file_name(name.to_owned()));
        }
        self.request(self.http.post(format!("{}/graphql", self.url)).header("GraphQL-Preflight", "1").multipart(form))
            .send()
            .await
            .unwrap()
    }

    /// Uploads with these fields of the input, and answers the payload.
    pub async fn upload_with(&self, file: Upload<'_>, mut input: Value) -> Value {
        let query = format!(
            "mutation($input: UploadInput!) {{ upload(input: $input) {{ file {{ ...F }} userErrors {{ code message field }} }} }} {FILE}"
        );
        input["file"] = Value::Null;
        let map = json!({ "0": ["variables.input.file"] });
        let answer: Value =
            self.multipart(&query, json!({ "input": input }), map, vec![("0", file)]).await.json().await.unwrap();
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"]["upload"].clone()
    }

    /// Uploads and answers the file.
    pub async fn upload(&self, name: &str, bytes: impl Into<Vec<u8>>) -> Value {
        let payload = self.upload_with((name, bytes.into()), json!({})).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload}");
        payload["file"].clone()
    }

    /// Uploads into a folder and answers the file.
    pub async fn upload_into(&self, folder: &str, name: &str, bytes: impl Into<Vec<u8>>) -> Value {
        let payload = self.upload_with((name, bytes.into()), json!({ "parentId": folder })).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload}");
        payload["file"].clone()
    }

    /// Runs a mutation with an input and answers its payload. `fields` beside `userErrors`.
    pub async fn mutate(&self, name: &str, input_type: &str, fields: &str, input: Value) -> Value {
        let fragment = if fields.contains("...F") { FILE } else { "" };
        let query = format!(
            "mutation($i: {input_type}!) {{ {name}(input: $i) {{ {fields} userErrors {{ code message field }} }} }} {fragment}"
        );
        let answer = self.data(&query, json!({ "i": input })).await;
        answer[name].clone()
    }

    pub async fn folder(&self, name: &str, parent: Option<&str>) -> String {
        let input = json!({ "name": name, "parentId": parent });
        let payload = self.mutate("createFolder", "CreateFolderInput", "folder { id }", input).await;
        payload["folder"]["id"].as_str().unwrap_or_else(|| panic!("{payload}")).to_owned()
    }

    pub async fn delete(&self, id: &str) -> Value {
        self.mutate("delete", "DeleteInput", "deletedFileId", json!({ "fileId": id })).await
    }

    pub async fn set_public(&self, id: &str, is_public: bool) -> Value {
        let input = json!({ "fileId": id, "isPublic": is_public });
        self.mutate("setPublic", "SetPublicInput", "file { ...F }", input).await
    }

    pub async fn relocate(&self, id: &str, parent: Option<&str>) -> Value {
        let input = json!({ "fileId": id, "parentId": parent });
        self.mutate("move", "MoveInput", "file { ...F }", input).await
    }

    /// The file as this client sees it; null when it sees none.
    pub async fn file(&self, id: &str) -> Value {
        let query = format!("query($id: ID!) {{ file(id: $id) {{ ...F }} }} {FILE}");
        self.data(&query, json!({ "id": id })).await["file"].clone()
    }

    /// The names in one folder, in an order such as `{ field: NAME, direction: ASC }`.
    pub async fn names(&self, parent: Option<&str>) -> Vec<String> {
        let query = "query($p: ID) { files(parentId: $p, first: 100, orderBy: { field: NAME, direction: ASC }) { nodes { name } } }";
        let answer = self.data(query, json!({ "p": parent })).await;
        let nodes = answer["files"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
        nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits, by subscription, until the thumbnails of an image have settled, and answers the file.
    pub async fn settled(&self, id: &str) -> Value {
        let mut socket = self.socket().await;
        let query = format!("subscription($id: ID) {{ thumbnailReady(fileId: $id) {{ ...F }} }} {FILE}");
        socket.subscribe("1", &query, json!({ "id": id })).await;
        let message = socket.next().await;
        assert_eq!(message["type"], "next", "{message}");
        message["payload"]["data"]["thumbnailReady"].clone()
    }

    /// Downloads.
    pub async fn get(&self, url: &str) -> Response {
        self.request(self.http.get(url)).send().await.unwrap()
    }

    /// A WebSocket that has been acknowledged, with this client's token in `connection_init`.
    pub async fn socket(&self) -> Socket {
        let mut socket = self.raw_socket().await;
        let payload = self.token.as_ref().map(|token| json!({ "Authorization": format!("Bearer {token}") }));
        socket.send(json!({ "type": "connection_init", "payload": payload.unwrap_or(json!({})) })).await;
        assert_eq!(socket.next().await["type"], "connection_ack");
        socket
    }

    /// A WebSocket on which nothing has been said yet.
    pub async fn raw_socket(&self) -> Socket {
        let url = format!("{}/graphql", self.url.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Socket { stream }
    }
}

/// A WebSocket that speaks `graphql-transport-ws`.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
}

impl Socket {
    pub async fn send(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text.to_owned())).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// The next message that is no ping; a close is `{"close": code}`.
    pub async fn next(&mut self) -> Value {
        tokio::time::timeout(PATIENCE, self.next_in_time()).await.expect("a message in time")
    }

    /// The next message that is no ping, if one comes within this time.
    pub async fn next_within(&mut self, time: Duration) -> Option<Value> {
        tokio::time::timeout(time, self.next_in_time()).await.ok()
    }

    /// Whether nothing but pings comes within this time.
    pub async fn is_silent_for(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.next_in_time()).await.is_err()
    }

    async fn next_in_time(&mut self) -> Value {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    match message["type"].as_str() {
                        Some("ping") => self.send(json!({ "type": "pong" })).await,
                        Some("pong") => {}
                        _ => return message,
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    return json!({ "close": frame.map(|frame| u16::from(frame.code)) });
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return json!({ "lost": error.to_string() }),
                None => return json!({ "close": null }),
            }
        }
    }
}

/// A plain connection, for what no client library would send.
pub fn raw_connection(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}
