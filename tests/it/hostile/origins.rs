//! Pages of other origins: what browsers let them send without asking is not executed, and what they have to ask for is
//! for listed origins alone.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;

use crate::support::{
    Backend,
    app::{TestApp, error_code},
    client::Client,
};

const LISTED: &str = "https://app.example.org";

/// What is nearly listed.
const STRANGERS: [&str; 12] = [
    "https://evil.example.org",
    "https://app.example.org.evil.org",
    "https://evilapp.example.org",
    "https://app.example.org:8443",
    "https://app.example.org/",
    "http://app.example.org",
    "HTTPS://APP.EXAMPLE.ORG",
    "https://app.example.org https://app.example.org",
    "null",
    "*",
    "",
    "file://",
];

const CORS: [&str; 6] = [
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-max-age",
];

async fn app(backend: Backend) -> TestApp {
    TestApp::with(backend, &[("server.cors_origins", &format!("https://other.example.org,{LISTED}"))]).await
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn from(client: &Client, method: Method, path: &str, origin: &str) -> RequestBuilder {
    client.http.request(method, format!("{}{path}", client.url)).header("Origin", origin)
}

fn preflight(client: &Client, path: &str, origin: &str, method: &str) -> RequestBuilder {
    from(client, Method::OPTIONS, path, origin).header("Access-Control-Request-Method", method)
}

async fn a_preflight_is_answered_for_listed_origins_and_says_what_they_may(backend: Backend) {
    let app = app(backend).await;
    let anon = app.anon();
    for path in ["/graphql", "/files/f_AAAAAAAAAAAAAAAAAAAAAA"] {
        for method in ["POST", "DELETE", "nonsense"] {
            let asked = preflight(&anon, path, LISTED, method).header("Access-Control-Request-Headers", "x-evil");
            let response = asked.send().await.unwrap();
            // The browser compares: what was asked for beyond this is never echoed.
            assert_eq!(response.status(), 204, "{path} {method}");
            assert_eq!(header(&response, "access-control-allow-origin"), LISTED);
            assert_eq!(header(&response, "access-control-allow-methods"), "GET, HEAD, POST");
            let allowed: Vec<_> = header(&response, "access-control-allow-headers").split(", ").collect();
            for name in ["authorization", "content-type", "apollo-require-preflight", "graphql-preflight"] {
                assert!(allowed.contains(&name), "{name} in {allowed:?}");
            }
            assert!(!allowed.contains(&"x-evil") && !allowed.contains(&"*"), "{allowed:?}");
            assert_eq!(header(&response, "access-control-allow-credentials"), "");
            assert!(header(&response, "access-control-max-age").parse::<u32>().is_ok());
            assert!(header(&response, "vary").contains("origin"));
        }
    }
    // What is no preflight is no matter of CORS.
    let plain = from(&anon, Method::OPTIONS, "/graphql", LISTED).send().await.unwrap();
    assert_eq!((plain.status().as_u16(), header(&plain, "allow")), (405, "GET, POST"));
}

async fn a_stranger_gets_no_header_of_cors_at_all(backend: Backend) {
    let (listing, none) = (app(backend).await, TestApp::idle(backend).await);
    for (app, origins) in [(&listing, STRANGERS.to_vec()), (&none, [&STRANGERS[..], &[LISTED]].concat())] {
        let anon = app.anon();
        for origin in origins {
            let asked = preflight(&anon, "/graphql", origin, "POST").send().await.unwrap();
            assert_eq!(asked.status(), 405, "{origin}");
            let body = json!({ "query": "{ __typename }" });
            let posted = from(&anon, Method::POST, "/graphql", origin).json(&body).send().await.unwrap();
            let downloaded = from(&anon, Method::GET, "/files/nothing", origin).send().await.unwrap();
            for response in [asked, posted, downloaded] {
                for name in CORS {
                    assert_eq!(header(&response, name), "", "{name} for {origin:?}");
                }
            }
        }
    }
}

async fn a_listed_origin_may_read_answers_and_errors_but_never_with_credentials(backend: Backend) {
    let app = app(backend).await;
    let anon = app.anon();
    let good = json!({ "query": "{ __typename }" });
    let bad = json!({ "query": "{" });
    for response in [
        from(&anon, Method::POST, "/graphql", LISTED).json(&good).send().await.unwrap(),
        from(&anon, Method::POST, "/graphql", LISTED).json(&bad).send().await.unwrap(),
        from(&anon, Method::POST, "/graphql", LISTED).body("x").send().await.unwrap(),
        from(&anon, Method::GET, "/graphql?query=%7B__typename%7D", LISTED).send().await.unwrap(),
        from(&anon, Method::GET, "/files/nothing", LISTED).send().await.unwrap(),
    ] {
        assert_eq!(header(&response, "access-control-allow-origin"), LISTED, "{response:?}");
        assert_eq!(header(&response, "access-control-allow-credentials"), "");
        assert!(header(&response, "access-control-expose-headers").contains("x-request-id"));
    }
    // The rest of the server is nobody's business.
    for path in ["/", "/healthz", "/readyz", "/nothing"] {
        let response = from(&anon, Method::GET, path, LISTED).send().await.unwrap();
        assert_eq!(header(&response, "access-control-allow-origin"), "", "{path}");
    }
}

/// What a form or a script may send to another origin without a preflight: these media types, no header of its own.
async fn what_needs_no_preflight_changes_nothing(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let anon = app.anon();
    let register = r#"{"query":"mutation { register(input: { email: \"eve@example.org\", password: \"long enough a password\" }) { token } }"}"#;
    let evil = "https://evil.example.org";
    for media_type in ["text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"] {
        let sent = from(&anon, Method::POST, "/graphql", evil).header("Content-Type", media_type).body(register);
        let response = sent.send().await.unwrap();
        assert_eq!(response.status(), 415, "{media_type}");
        assert_eq!(error_code(&response.json().await.unwrap()), "BAD_REQUEST");
    }
    // A script that hands over bytes without a type sends none at all.
    let untyped = from(&anon, Method::POST, "/graphql", evil).body(register).send().await.unwrap();
    assert_eq!(untyped.status(), 415);
    let form = || reqwest::multipart::Form::new().text("operations", register).text("map", "{}");
    let sent = from(&anon, Method::POST, "/graphql", evil).multipart(form()).send().await.unwrap();
    assert_eq!(sent.status(), 400);
    assert_eq!(error_code(&sent.json().await.unwrap()), "BAD_REQUEST");
    let got = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("query", "mutation { register(input: { email: \"eve@example.org\", password: \"long enough a password\" }) { token } }")
        .finish();
    let sent = from(&anon, Method::GET, &format!("/graphql?{got}"), evil).send().await.unwrap();
    assert_eq!(sent.status(), 405);
    // Nobody has registered: the address is free.
    anon.register("eve@example.org").await;
}

async fn each_preflight_header_opens_multipart_requests(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let query = "mutation($f: Upload!) { upload(input: { file: $f }) { userErrors { code } } }";
    let operations = json!({ "query": query, "variables": { "f": null } }).to_string();
    let form = || {
        let part = reqwest::multipart::Part::bytes(b"x".to_vec()).file_name("x");
        let form = reqwest::multipart::Form::new().text("operations", operations.clone());
        form.text("map", r#"{"0":["variables.f"]}"#).part("0", part)
    };
    let send = async |name: &str, value: &str| {
        let request = ada.http.post(format!("{}/graphql", app.url)).header(name, value);
        request.multipart(form()).send().await.unwrap().status().as_u16()
    };
    let bearer = format!("Bearer {}", ada.token.as_ref().unwrap());
    assert_eq!(send("Authorization", &bearer).await, 200);
    // These are past the gate: what is missing is a token.
    for name in ["Apollo-Require-Preflight", "GraphQL-Preflight", "GraphQL-Require-Preflight"] {
        assert_eq!(send(name, "1").await, 401, "{name}");
        assert_eq!(send(name, "").await, 401, "{name}");
    }
    // Browsers send these by themselves.
    for name in ["X-Requested-With-Not", "Accept-Language", "Content-Language", "Cookie", "Origin", "Referer"] {
        assert_eq!(send(name, "x").await, 400, "{name}");
    }
}

async fn a_web_socket_opens_for_ones_own_and_listed_origins_alone(backend: Backend) {
    let (listing, none) = (app(backend).await, TestApp::idle(backend).await);
    let status = async |app: &TestApp, origins: &[&str]| {
        let mut request = app.anon().http.get(format!("{}/graphql", app.url));
        for (name, value) in [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "graphql-transport-ws"),
        ] {
            request = request.header(name, value);
        }
        for origin in origins {
            request = request.header("Origin", *origin);
        }
        request.send().await.unwrap().status().as_u16()
    };
    for app in [&listing, &none] {
        for origin in STRANGERS {
            assert_eq!(status(app, &[origin]).await, 403, "{origin}");
        }
        assert_eq!(status(app, &[]).await, 101);
        assert_eq!(status(app, &[&app.url]).await, 101);
        assert_eq!(status(app, &[&app.url, &app.url]).await, 403);
        let localhost = app.url.replace("127.0.0.1", "localhost");
        assert_eq!(status(app, &[&localhost]).await, 101);
    }
    assert_eq!(status(&listing, &[LISTED]).await, 101);
    assert_eq!(status(&none, &[LISTED]).await, 403);
}

crate::on_both_back_ends!(
    a_preflight_is_answered_for_listed_origins_and_says_what_they_may,
    a_stranger_gets_no_header_of_cors_at_all,
    a_listed_origin_may_read_answers_and_errors_but_never_with_credentials,
    what_needs_no_preflight_changes_nothing,
    each_preflight_header_opens_multipart_requests,
    a_web_socket_opens_for_ones_own_and_listed_origins_alone,
);
