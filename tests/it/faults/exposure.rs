//! What strangers, proxies and readers of the log get to see.

use serde_json::{Value, json};

use crate::support::{
    Backend,
    app::{Home, PATIENCE, TestApp, codes, error_code, jpeg},
    client::Client,
    program::Program,
    servers::{free_port, start_redis_with},
};

async fn in_production_there_is_no_introspection_no_suggestion_and_no_page(backend: Backend) {
    let app = TestApp::with(backend, &[("server.mode", "production")]).await;
    let anon = app.anon();
    let get = async |path: &str| anon.http.get(format!("{}{path}", app.url)).send().await.unwrap().status();
    assert_eq!(get("/").await, 404);
    for query in [
        "{ __schema { types { name } } }",
        "{ __type(name: \"File\") { fields { name } } }",
        "{ a: __schema { queryType { name } } }",
        "query { ...F } fragment F on Query { __schema { queryType { name } } }",
    ] {
        let answer = anon.gql(query, json!({})).await;
        assert_eq!(error_code(&answer), "GRAPHQL_VALIDATION_FAILED", "{query}: {answer}");
        assert!(answer.get("data").is_none_or(Value::is_null), "{query}: {answer}");
    }
    let answer = anon.gql("{ viewr { id } }", json!({})).await;
    assert!(!answer.to_string().contains("viewer") && !answer.to_string().contains("mean"), "{answer}");
    // The rest works, type names included.
    let ada = app.user("ada").await;
    assert_eq!(ada.data("{ __typename viewer { __typename } }", json!({})).await["viewer"]["__typename"], "User");
    assert_eq!(get("/healthz").await, 200);

    let open = TestApp::idle(backend).await;
    assert!(open.anon().data("{ __schema { queryType { name } } }", json!({})).await["__schema"].is_object());
    assert_eq!(anon.http.get(&open.url).send().await.unwrap().status(), 200);
}

async fn login_from(client: &Client, address: &str, email: &str, password: &str) -> Value {
    let query = "mutation($i: LoginInput!) { login(input: $i) { token userErrors { code } } }";
    let body = json!({ "query": query, "variables": { "i": { "email": email, "password": password } } });
    let request = client.http.post(format!("{}/graphql", client.url)).header("X-Forwarded-For", address).json(&body);
    request.send().await.unwrap().json().await.unwrap()
}

async fn failures_through_a_trusted_proxy_count_for_the_forwarded_address(backend: Backend) {
    let app = TestApp::with(backend, &[("server.trusted_proxies", "127.0.0.1")]).await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let (attacker, home) = ("198.51.100.7", "203.0.113.9");
    for n in 0..10 {
        // Whatever stands further left is what the client liked to claim.
        let forwarded = format!("10.0.0.{n}, {attacker}");
        let answer = login_from(&ada, &forwarded, &ada.email, "wrong password").await;
        assert_eq!(codes(&answer["data"]["login"]), ["INVALID_CREDENTIALS"], "{answer}");
    }
    let blocked = login_from(&ada, attacker, &ada.email, Client::PASSWORD).await;
    assert_eq!(error_code(&blocked), "RATE_LIMITED");
    assert!(blocked["errors"][0]["extensions"]["retryAfter"].as_u64().is_some_and(|seconds| seconds > 0));
    for (address, email) in [(home, &ada.email), (attacker, &bob.email), (home, &bob.email)] {
        let answer = login_from(&ada, address, email, Client::PASSWORD).await;
        assert!(answer["data"]["login"]["token"].is_string(), "{email} from {address}: {answer}");
    }
}

async fn without_trust_a_forwarded_address_is_ignored(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for n in 0..10 {
        let answer = login_from(&ada, &format!("198.51.100.{n}"), &ada.email, "wrong password").await;
        assert_eq!(codes(&answer["data"]["login"]), ["INVALID_CREDENTIALS"], "{answer}");
    }
    let blocked = login_from(&ada, "198.51.100.77", &ada.email, Client::PASSWORD).await;
    assert_eq!(error_code(&blocked), "RATE_LIMITED");
}

/// At the most talkative setting that there is.
async fn no_secret_is_in_the_log(backend: Backend) {
    let mut home = Home::new(backend);
    let redis_password = "Redis-Pa55word-of-the-test";
    let redis = if backend == Backend::Servers {
        let port = free_port();
        home.redis_url = format!("redis://:{redis_password}@127.0.0.1:{port}");
        let start = move || start_redis_with(port, &["--appendonly", "no", "--requirepass", redis_password]);
        Some(tokio::task::spawn_blocking(start).await.unwrap())
    } else {
        None
    };
    let secret = "0123456789abcdef-secret-of-this-test";
    let settings = [("log.filter", "trace"), ("accounts.secret", secret)];
    let program = {
        let home = home.clone();
        tokio::task::spawn_blocking(move || Program::start(&home, &["serve"], &settings)).await.unwrap()
    };
    // Not the password of all tests, which the first page that the program prints has as an example.
    let password = "a password of ada's own";
    let query = "mutation($i: RegisterInput!) { register(input: $i) { token user { id } } }";
    let input = json!({ "i": { "email": "ada@example.org", "password": password } });
    let registered = program.client().data(query, input).await;
    let token = registered["register"]["token"].as_str().unwrap().to_owned();
    let ada = Client { token: Some(token), email: "ada@example.org".to_owned(), ..program.client() };
    let again = ada.try_login(&ada.email, password).await;
    let mut socket = ada.socket().await;
    let query = "mutation($i: LoginInput!) { login(input: $i) { token } }";
    socket.subscribe("1", query, json!({ "i": { "email": ada.email, "password": password } })).await;
    let over_socket = socket.next().await["payload"]["data"]["login"]["token"].as_str().unwrap().to_owned();
    let wrong = "another password, mistyped";
    assert_eq!(codes(&ada.try_login(&ada.email, wrong).await), ["INVALID_CREDENTIALS"]);
    let file = ada.upload("photo.jpg", jpeg(120, 80, 1)).await;
    let settled = ada.settled(file["id"].as_str().unwrap()).await;
    let url = settled["url"].as_str().unwrap();
    let anon = Client { token: None, ..ada.clone() };
    assert_eq!(anon.get(url).await.status(), 200);
    // An outage, too: errors of drivers are what is logged most carelessly.
    if let Some(redis) = redis {
        tokio::task::spawn_blocking(|| redis.stop()).await.unwrap();
        assert_eq!(error_code(&ada.gql("{ files { totalCount } }", json!({})).await), "SERVICE_UNAVAILABLE");
    }
    let signature = url::Url::parse(url).unwrap();
    let signature = signature.query_pairs().find(|(name, _)| name == "signature").unwrap().1.into_owned();
    // That a socket has ended is logged in detail, a moment after the client has heard of it.
    drop(socket);
    let deadline = std::time::Instant::now() + PATIENCE;
    let log = loop {
        let log = program.printed.lock().unwrap().clone() + &program.errors();
        if log.contains("closing a socket") {
            break log;
        }
        assert!(std::time::Instant::now() < deadline, "the log is not as talkative as it should be: {log}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    for (what, secret) in [
        ("the password", password),
        ("a wrong password", wrong),
        ("the token", ada.token.as_deref().unwrap()),
        ("the other token", again["token"].as_str().unwrap()),
        ("the token over a socket", &over_socket),
        ("the signature of a URL", &signature),
        ("the password of Redis", redis_password),
        ("the secret", secret),
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{what} is in the log: {}", line.unwrap_or_default());
    }
}

crate::on_both_back_ends!(
    in_production_there_is_no_introspection_no_suggestion_and_no_page,
    failures_through_a_trusted_proxy_count_for_the_forwarded_address,
    without_trust_a_forwarded_address_is_ignored,
    no_secret_is_in_the_log,
);
