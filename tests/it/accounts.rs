//! Accounts: registering, logging in and out, tokens, passwords, throttling.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Backend,
    app::{TestApp, codes, error_code},
    client::Client,
};

const VIEWER: &str = "{ viewer { id email } }";

async fn viewer(client: &Client) -> Value {
    client.data(VIEWER, json!({})).await["viewer"].clone()
}

async fn register(client: &Client, email: &str, password: &str) -> Value {
    let input = json!({ "email": email, "password": password });
    client.mutate("register", "RegisterInput", "token expiresAt user { id email createdAt }", input).await
}

async fn a_new_account_is_signed_in_and_may_log_in(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    assert_eq!(viewer(&ada).await["email"], "ada@example.org");
    let again = ada.login().await;
    assert_ne!(again.token, ada.token);
    assert_eq!(viewer(&again).await["id"], ada.id.as_str());
}

async fn what_is_below_a_login_is_seen_with_the_eyes_of_who_logged_in(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let folder = ada.folder("f", None).await;
    ada.upload_into(&folder, "a.txt", "a").await;
    let query = "mutation($i: LoginInput!) { \
                 login(input: $i) { user { email files { nodes { name parent { name descendantCount } owner { email } } } } } \
                 delete(input: { fileId: \"nothing\" }) { userErrors { code } } }";
    let credentials = json!({ "i": { "email": ada.email, "password": Client::PASSWORD } });
    let files = json!([
        { "name": "a.txt", "parent": { "name": "f", "descendantCount": 1 }, "owner": { "email": ada.email } },
        { "name": "f", "parent": null, "owner": { "email": ada.email } },
    ]);
    for client in [&app.anon(), &bob] {
        let answer = client.gql(query, credentials.clone()).await;
        let user = json!({ "email": ada.email, "files": { "nodes": files } });
        assert_eq!(answer["data"]["login"], json!({ "user": user }), "{answer}");
    }
    // What stands beside it in the request is not.
    let answer = app.anon().gql(query, credentials).await;
    assert_eq!(answer["errors"][0]["path"], json!(["delete"]), "{answer}");
    assert_eq!(error_code(&answer), "UNAUTHENTICATED");
}

async fn a_taken_or_malformed_address_is_refused(backend: Backend) {
    let app = TestApp::idle(backend).await;
    app.user("ada").await;
    let anon = app.anon();
    let taken = register(&anon, "ADA@Example.org", Client::PASSWORD).await;
    assert_eq!(codes(&taken), ["EMAIL_TAKEN"]);
    assert_eq!(taken["userErrors"][0]["field"], json!(["input", "email"]));
    assert_eq!(taken["token"], Value::Null);
    for address in ["", "ada", "ada@", "@example.org", "a b@example.org"] {
        assert_eq!(codes(&register(&anon, address, Client::PASSWORD).await), ["BAD_USER_INPUT"], "{address}");
    }
}

async fn a_password_keeps_the_rules(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let anon = app.anon();
    for (password, good) in
        [("eleven char", false), ("twelve chars", true), (&"x".repeat(1024), true), (&"x".repeat(1025), false)]
    {
        let email = format!("u{}@example.org", password.len());
        let payload = register(&anon, &email, password).await;
        assert_eq!(codes(&payload).is_empty(), good, "{} bytes: {payload}", password.len());
    }
}

async fn of_fifty_registrations_of_one_address_one_wins(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let anon = app.anon();
    let all = futures_util::future::join_all((0..50).map(|n| {
        let anon = anon.clone();
        async move {
            let email = if n % 2 == 0 { "race@example.org" } else { "RACE@example.org" };
            register(&anon, email, Client::PASSWORD).await
        }
    }))
    .await;
    assert_eq!(all.iter().filter(|payload| codes(payload).is_empty()).count(), 1);
    assert_eq!(all.iter().filter(|payload| codes(payload) == ["EMAIL_TAKEN"]).count(), 49);
}

async fn registration_can_be_closed(backend: Backend) {
    let app = TestApp::with(backend, &[("accounts.registration", "closed")]).await;
    let payload = register(&app.anon(), "ada@example.org", Client::PASSWORD).await;
    assert_eq!(codes(&payload), ["REGISTRATION_CLOSED"]);
}

async fn one_address_opens_only_so_many_accounts(backend: Backend) {
    let app = TestApp::with(backend, &[("accounts.registrations_address", "2")]).await;
    let anon = app.anon();
    app.user("one").await;
    // What opens no account does not count.
    assert_eq!(codes(&register(&anon, "one@example.org", Client::PASSWORD).await), ["EMAIL_TAKEN"]);
    app.user("two").await;
    let query = "mutation($i: RegisterInput!) { register(input: $i) { token } }";
    let refused = anon.gql(query, json!({ "i": { "email": "three@example.org", "password": Client::PASSWORD } })).await;
    assert_eq!(error_code(&refused), "RATE_LIMITED");
}

async fn unknown_and_wrong_get_the_same_answer(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let wrong = ada.try_login("ada@example.org", "not the password").await;
    let unknown = ada.try_login("nobody@example.org", "not the password").await;
    let malformed = ada.try_login("nobody", "not the password").await;
    assert_eq!(codes(&wrong), ["INVALID_CREDENTIALS"]);
    assert_eq!(wrong, unknown);
    assert_eq!(wrong, malformed);
}

async fn a_token_that_is_missing_forged_expired_or_revoked_signs_nobody_in(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let token = ada.token.clone().unwrap();
    let tampered = format!("{}x", &token[..token.len() - 1]);
    let other_key = {
        let parts: Vec<&str> = token.split('.').collect();
        format!("eyJhbGciOiJub25lIn0.{}.", parts[1])
    };
    for bad in [None, Some(String::new()), Some("x".to_owned()), Some(tampered), Some(other_key)] {
        let client = Client { token: bad.clone(), ..ada.clone() };
        assert_eq!(viewer(&client).await, Value::Null, "{bad:?}");
        let answer = client.gql("{ files { nodes { id } } }", json!({})).await;
        assert_eq!(error_code(&answer), "UNAUTHENTICATED", "{bad:?}");
        assert_eq!(answer["data"], json!({ "files": null }));
    }
    let other = ada.login().await;
    ada.data("mutation { logout { userErrors { code } } }", json!({})).await;
    assert_eq!(viewer(&ada).await, Value::Null);
    assert_eq!(viewer(&other).await["id"], ada.id.as_str());
    app.clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(viewer(&other).await, Value::Null);
}

async fn every_field_that_needs_a_viewer_says_so(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let anon = app.anon();
    for (field, operation) in [
        ("files", "{ files { nodes { id } } }"),
        ("logout", "mutation { logout { userErrors { code } } }"),
        ("refresh", "mutation { refresh { token } }"),
        (
            "changePassword",
            r#"mutation { changePassword(input: { currentPassword: "a", newPassword: "b" }) { userErrors { code } } }"#,
        ),
        ("createFolder", r#"mutation { createFolder(input: { name: "a" }) { userErrors { code } } }"#),
        ("setPublic", r#"mutation { setPublic(input: { fileId: "x", isPublic: true }) { userErrors { code } } }"#),
        ("rename", r#"mutation { rename(input: { fileId: "x", name: "y" }) { userErrors { code } } }"#),
        ("move", r#"mutation { move(input: { fileId: "x", parentId: null }) { userErrors { code } } }"#),
        ("delete", r#"mutation { delete(input: { fileId: "x" }) { userErrors { code } } }"#),
        ("retryThumbnails", r#"mutation { retryThumbnails(input: { fileId: "x" }) { userErrors { code } } }"#),
    ] {
        let answer = anon.gql(operation, json!({})).await;
        assert_eq!(error_code(&answer), "UNAUTHENTICATED", "{operation}");
        assert_eq!(answer["errors"][0]["path"], json!([field]));
        assert_eq!(answer["data"][field], Value::Null);
        assert!(answer["errors"][0]["extensions"]["requestId"].is_string(), "{answer}");
    }
    let answer = anon
        .data("{ viewer { id } limits { uploadBytes } node(id: \"x\") { id } file(id: \"x\") { id } }", json!({}))
        .await;
    assert_eq!(answer["limits"]["uploadBytes"], 104_857_600);
}

async fn a_refresh_keeps_the_session_and_the_old_token_for_a_moment(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let old = app.user("ada").await;
    let answer = old.data("mutation { refresh { token expiresAt userErrors { code } } }", json!({})).await;
    let token = answer["refresh"]["token"].as_str().unwrap().to_owned();
    let fresh = Client { token: Some(token), ..old.clone() };
    assert_eq!(viewer(&fresh).await["id"], old.id.as_str());
    assert_eq!(viewer(&old).await["id"], old.id.as_str());
    app.clock.advance(Duration::from_secs(31));
    assert_eq!(viewer(&old).await, Value::Null);
    assert_eq!(viewer(&fresh).await["id"], old.id.as_str());
    fresh.data("mutation { logout { userErrors { code } } }", json!({})).await;
    assert_eq!(viewer(&fresh).await, Value::Null);
}

async fn a_change_of_password_ends_every_other_session(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let other = ada.login().await;
    let change = |current: &str, new: &str| json!({ "currentPassword": current, "newPassword": new });
    let name = ("changePassword", "ChangePasswordInput", "user { id }");
    let wrong = ada.mutate(name.0, name.1, name.2, change("not the password", "a new password")).await;
    assert_eq!(codes(&wrong), ["INVALID_CREDENTIALS"]);
    assert_eq!(wrong["userErrors"][0]["field"], json!(["input", "currentPassword"]));
    let short = ada.mutate(name.0, name.1, name.2, change(Client::PASSWORD, "short")).await;
    assert_eq!(short["userErrors"][0]["field"], json!(["input", "newPassword"]));
    assert_eq!(viewer(&other).await["id"], ada.id.as_str());
    let changed = ada.mutate(name.0, name.1, name.2, change(Client::PASSWORD, "a new password")).await;
    assert_eq!(changed["user"]["id"], ada.id.as_str());
    assert_eq!(viewer(&other).await, Value::Null);
    assert_eq!(viewer(&ada).await["id"], ada.id.as_str());
    assert_eq!(codes(&ada.try_login(&ada.email, Client::PASSWORD).await), ["INVALID_CREDENTIALS"]);
    assert!(ada.try_login(&ada.email, "a new password").await["token"].is_string());
}

async fn failed_logins_are_throttled_and_a_success_clears_its_pair(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for _ in 0..9 {
        assert_eq!(codes(&ada.try_login(&ada.email, "wrong password").await), ["INVALID_CREDENTIALS"]);
    }
    assert!(ada.try_login(&ada.email, Client::PASSWORD).await["token"].is_string());
    for _ in 0..10 {
        assert_eq!(codes(&ada.try_login(&ada.email, "wrong password").await), ["INVALID_CREDENTIALS"]);
    }
    // Even the right password waits now, and another account does not.
    let refused = ada.try_login(&ada.email, Client::PASSWORD).await;
    assert_eq!(error_code(&refused), "RATE_LIMITED");
    let wait = refused["errors"][0]["extensions"]["retryAfter"].as_u64().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    let bob = app.user("bob").await;
    assert!(bob.try_login(&bob.email, Client::PASSWORD).await["token"].is_string());
}

async fn aliases_do_not_evade_the_throttle(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let one = |n: usize| {
        format!(
            r#"a{n}: login(input: {{ email: "ada@example.org", password: "wrong password {n}" }}) {{ userErrors {{ code }} }} "#
        )
    };
    let query = format!("mutation {{ {} }}", (0..15).map(one).collect::<String>());
    let answer = ada.gql(&query, json!({})).await;
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 5, "{answer}");
    assert!(errors.iter().all(|error| error["extensions"]["code"] == "RATE_LIMITED"));
}

async fn forty_logins_at_once_leave_an_ordinary_query_quick(backend: Backend) {
    // With the real cost of a hash.
    let settings = [("accounts.argon2_memory", "19456"), ("accounts.argon2_passes", "2")];
    let app = TestApp::with(backend, &settings).await;
    let ada = app.user("ada").await;
    let logins: Vec<_> = (0..40)
        .map(|n| {
            let ada = ada.clone();
            tokio::spawn(async move { ada.try_login(&format!("u{n}@example.org"), "wrong password").await })
        })
        .collect();
    let begun = std::time::Instant::now();
    viewer(&ada).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}; the promise is one second, with a threefold margin");
    for login in logins {
        assert_eq!(codes(&login.await.unwrap()), ["INVALID_CREDENTIALS"]);
    }
}

crate::on_both_back_ends!(
    a_new_account_is_signed_in_and_may_log_in,
    what_is_below_a_login_is_seen_with_the_eyes_of_who_logged_in,
    a_taken_or_malformed_address_is_refused,
    a_password_keeps_the_rules,
    of_fifty_registrations_of_one_address_one_wins,
    registration_can_be_closed,
    one_address_opens_only_so_many_accounts,
    unknown_and_wrong_get_the_same_answer,
    a_token_that_is_missing_forged_expired_or_revoked_signs_nobody_in,
    every_field_that_needs_a_viewer_says_so,
    a_refresh_keeps_the_session_and_the_old_token_for_a_moment,
    a_change_of_password_ends_every_other_session,
    failed_logins_are_throttled_and_a_success_clears_its_pair,
    aliases_do_not_evade_the_throttle,
    forty_logins_at_once_leave_an_ordinary_query_quick,
);
