//! The program that all bad input goes to, with an account, a file, and tokens good and bad.

use std::{net::SocketAddr, time::Duration};

use mongodb::bson::{Document, doc};
use secrecy::SecretString;
use serde_json::{Value, json};
use strongroom::{
    model::{Clock, Random, SessionId, Timestamp, TokenId, UserId},
    service::{Keys, Tokens},
};

use super::wire::{Connection, request};
use crate::support::{
    Backend,
    app::{Home, PATIENCE},
    client::Client,
    program::Program,
    until,
};

const SECRET: &str = "a-secret-of-the-tests-of-bad-input";

/// What every case may refer to.
pub struct World {
    pub home: Home,
    pub program: Program,
    pub address: SocketAddr,
    pub user: Client,
    other: Client,
    pub token: String,
    /// Tokens that are not valid, by what is wrong with them.
    pub bad_tokens: Vec<(&'static str, String)>,
    /// A private file of the user, and its signed URL as a path.
    pub file: String,
    pub signed: String,
    /// Another's private file.
    pub foreign: String,
    pub folder: String,
    /// Of the user's list.
    pub cursor: String,
}

impl World {
    /// With these settings beside the usual ones.
    pub async fn new(backend: Backend, settings: &'static [(&'static str, &'static str)]) -> Self {
        let home = Home::new(backend);
        let program = {
            let home = home.clone();
            let settings = [settings, &[("accounts.secret", SECRET)]].concat();
            let start = move || Program::start(&home, &["serve"], &settings);
            tokio::task::spawn_blocking(start).await.unwrap()
        };
        let user = program.client().register("ada@example.org").await;
        let other = program.client().register("bob@example.org").await;
        let file = user.upload("file.txt", "0123456789").await;
        let foreign = other.upload("foreign.txt", "x").await;
        let folder = user.folder("folder", None).await;
        let list = user.data("{ files(first: 1) { pageInfo { endCursor } } }", json!({})).await;
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned();
        let token = user.token.clone().unwrap();
        Self {
            address: program.url.trim_start_matches("http://").parse().unwrap(),
            bad_tokens: bad_tokens(&user, &token).await,
            token,
            file: text(&file["id"]),
            signed: text(&file["url"]).replacen(&program.url, "", 1),
            foreign: text(&foreign["id"]),
            folder,
            cursor: text(&list["files"]["pageInfo"]["endCursor"]),
            home,
            program,
            user,
            other,
        }
    }

    /// `Bearer` and the token.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// A JSON request of the user that may hold anything.
    pub fn json(&self, body: impl AsRef<[u8]>) -> Vec<u8> {
        let headers = [
            ("Content-Type", "application/json"),
            ("Accept", "application/graphql-response+json"),
            ("Authorization", &self.bearer()),
        ];
        request("POST /graphql", &headers, body)
    }

    /// An operation of the user.
    pub fn operation(&self, query: &str, variables: &Value) -> Vec<u8> {
        self.json(json!({ "query": query, "variables": variables }).to_string())
    }

    /// Asks an ordinary query, on a connection of its own or a used one.
    pub async fn asks(&self, connection: Option<&mut Connection>) -> Result<(), String> {
        let query = self.operation("{ limits { pageSize } viewer { id } }", &json!({}));
        let right = json!({ "data": { "limits": { "pageSize": 100 }, "viewer": { "id": self.user.id } } });
        let ask = async {
            let mut fresh;
            let connection = match connection {
                Some(used) => used,
                None => {
                    fresh = Connection::open(self.address).await?;
                    &mut fresh
                }
            };
            connection.write(&query).await?;
            connection.answer(false).await
        };
        match ask.await {
            Ok(response) if response.status == 200 && response.json() == right => Ok(()),
            Ok(response) => Err(format!("an ordinary query gets {response:?}")),
            Err(error) => Err(format!("an ordinary query gets no answer: {error}")),
        }
    }

    /// What is wrong in the end: the process, its log, or something that was left behind.
    pub async fn damage(mut self) -> Vec<String> {
        let mut damage = Vec::new();
        if let Some(status) = self.program.child.try_wait().unwrap() {
            return vec![format!("the program has ended: {status}; it wrote:\n{}", self.program.errors())];
        }
        for user in [&self.user, &self.other] {
            delete_everything(user).await;
        }
        let home = self.home.clone();
        let cleared = tokio::task::spawn_blocking(move || until("no blob is left", || home.blob_files().is_empty()));
        if cleared.await.is_err() {
            damage.push(format!("blobs are left: {:?}", self.home.blob_files()));
        }
        let begun = tokio::time::Instant::now();
        while notes(&self.home).await > 0 {
            if begun.elapsed() > PATIENCE {
                damage.push("reservations are left".to_owned());
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let log = self.program.errors();
        let bad = log.lines().filter(|line| line.contains(" ERROR ") || line.contains("panicked"));
        damage.extend(bad.map(|line| format!("in the log: {line}")));
        damage
    }
}

async fn bad_tokens(user: &Client, token: &str) -> Vec<(&'static str, String)> {
    let revoked = user.login().await;
    revoked.data("{ __typename }", json!({})).await;
    revoked.data("mutation { logout { userErrors { code } } }", json!({})).await;
    let random = Random::system();
    let owner: UserId = user.id.parse().unwrap();
    let issue = |secret: &str, age: i64| {
        let now = Clock::system().now();
        let then = Timestamp(now.0 - age * 1000);
        let tokens = Tokens::new(&Keys::derive(&SecretString::from(secret.to_owned())), None);
        let (session, token) = (SessionId(random.uuid()), TokenId(random.uuid()));
        tokens.issue(owner, session, token, then, Timestamp(then.0 + 60_000)).unwrap()
    };
    let (head, tail) = token.split_once('.').unwrap();
    let payload = tail.split('.').next().unwrap();
    // {"typ":"at+jwt","alg":"none"}
    let unsigned = format!("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0.{payload}.");
    vec![
        ("nonsense", "nonsense".to_owned()),
        ("revoked", revoked.token.unwrap()),
        ("expired", issue(SECRET, 3600)),
        ("of no session", issue(SECRET, 0)),
        ("of another key", issue("another-secret-of-the-same-length!", 0)),
        ("unsigned", unsigned),
        ("cut short", token[..token.len() - 2].to_owned()),
        ("without a signature", format!("{head}.{payload}.")),
        ("very long", "x".repeat(60_000)),
    ]
}

/// How many blobs are noted as being written.
async fn notes(home: &Home) -> u64 {
    match home.backend {
        Backend::Embedded => {
            let path = home.dir.path().join("data").join(strongroom::app::DATABASE);
            let database = rusqlite::Connection::open(path).unwrap();
            database.query_row("SELECT count(*) FROM reservations", [], |row| row.get(0)).unwrap()
        }
        Backend::Servers => {
            let client = mongodb::Client::with_uri_str(&home.mongodb_url).await.unwrap();
            let notes = client.database(&home.name).collection::<Document>("reservations");
            notes.count_documents(doc! {}).await.unwrap()
        }
    }
}

async fn delete_everything(user: &Client) {
    loop {
        let files = user.data("{ viewer { files(first: 100) { nodes { id } } } }", json!({})).await;
        let files = files["viewer"]["files"]["nodes"].as_array().unwrap().clone();
        if files.is_empty() {
            return;
        }
        for file in files {
            user.delete(file["id"].as_str().unwrap()).await;
        }
    }
}
