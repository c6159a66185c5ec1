//! The promises of `Users`.

use futures_util::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};
use strongroom::{
    error::{Error, ErrorCode},
    model::{Email, Random, Timestamp, User, UserId},
};

use super::stores::open;
use crate::support::Backend;

crate::on_both_back_ends!(
    an_account_is_read_as_it_was_written,
    an_account_is_found_by_its_address_whatever_the_case,
    an_unknown_account_is_not_found,
    of_fifty_racing_registrations_one_wins,
    a_taken_address_leaves_the_account_that_has_it_alone,
    a_password_hash_is_replaced_only_while_it_is_the_expected_one,
    of_ten_racing_changes_of_a_password_one_wins,
    accounts_are_listed_by_address_page_after_page,
);

fn user(address: &str) -> User {
    User {
        id: UserId(Random::system().uuid()),
        email: Email::parse(address).unwrap(),
        password_hash: SecretString::from("$argon2id$first"),
        created_at: Timestamp(1_795_440_542_125),
    }
}

/// All of a user, for comparing.
fn parts(user: &User) -> (UserId, &Email, &str, Timestamp) {
    (user.id, &user.email, user.password_hash.expose_secret(), user.created_at)
}

async fn an_account_is_read_as_it_was_written(backend: Backend) {
    let users = open(backend).await.users;
    let ada = user("Ada.Lövelace@Exämple.ORG");
    users.insert(&ada).await.unwrap();
    users.insert(&user("other@example.org")).await.unwrap();
    assert_eq!(parts(&users.get(ada.id).await.unwrap().unwrap()), parts(&ada));
    assert_eq!(parts(&users.by_email(ada.email.key()).await.unwrap().unwrap()), parts(&ada));
}

async fn an_account_is_found_by_its_address_whatever_the_case(backend: Backend) {
    let users = open(backend).await.users;
    let ada = user("Ada@Example.ORG");
    users.insert(&ada).await.unwrap();
    let found = users.by_email(Email::parse("aDA@example.org").unwrap().key()).await.unwrap().unwrap();
    assert_eq!(parts(&found), parts(&ada));
}

async fn an_unknown_account_is_not_found(backend: Backend) {
    let users = open(backend).await.users;
    users.insert(&user("ada@example.org")).await.unwrap();
    assert!(users.get(UserId(Random::system().uuid())).await.unwrap().is_none());
    assert!(users.by_email("bob@example.org").await.unwrap().is_none());
    assert!(!users.replace_password_hash(UserId(Random::system().uuid()), "$argon2id$first", "x").await.unwrap());
}

async fn of_fifty_racing_registrations_one_wins(backend: Backend) {
    let users = open(backend).await.users;
    let tries = (0..50).map(|n| {
        let users = users.clone();
        let address = if n % 2 == 0 { "ada@example.org" } else { "ADA@example.ORG" };
        tokio::spawn(async move {
            let user = user(address);
            users.insert(&user).await.map(|()| user)
        })
    });
    let mut winners = Vec::new();
    for answer in join_all(tries).await {
        match answer.unwrap() {
            Ok(user) => winners.push(user),
            Err(Error::User(error)) => {
                assert_eq!(error.code, ErrorCode::EmailTaken);
                assert_eq!(error.field, Some(vec!["email".to_owned()]));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(parts(&users.by_email("ada@example.org").await.unwrap().unwrap()), parts(&winners[0]));
    assert_eq!(users.list(None, 100).await.unwrap().len(), 1);
}

async fn a_taken_address_leaves_the_account_that_has_it_alone(backend: Backend) {
    let users = open(backend).await.users;
    let (first, second) = (user("ada@example.org"), user("Ada@Example.org"));
    users.insert(&first).await.unwrap();
    assert_eq!(users.insert(&second).await.unwrap_err().code(), ErrorCode::EmailTaken);
    assert!(users.get(second.id).await.unwrap().is_none());
    assert_eq!(parts(&users.by_email("ada@example.org").await.unwrap().unwrap()), parts(&first));
}

async fn a_password_hash_is_replaced_only_while_it_is_the_expected_one(backend: Backend) {
    let users = open(backend).await.users;
    let (ada, bob) = (user("ada@example.org"), user("bob@example.org"));
    users.insert(&ada).await.unwrap();
    users.insert(&bob).await.unwrap();
    assert!(!users.replace_password_hash(ada.id, "$argon2id$other", "$argon2id$second").await.unwrap());
    assert!(users.replace_password_hash(ada.id, "$argon2id$first", "$argon2id$second").await.unwrap());
    assert!(!users.replace_password_hash(ada.id, "$argon2id$first", "$argon2id$third").await.unwrap());
    let stored = users.get(ada.id).await.unwrap().unwrap();
    assert_eq!(stored.password_hash.expose_secret(), "$argon2id$second");
    assert_eq!(parts(&users.get(bob.id).await.unwrap().unwrap()), parts(&bob));
}

async fn of_ten_racing_changes_of_a_password_one_wins(backend: Backend) {
    let users = open(backend).await.users;
    let ada = user("ada@example.org");
    users.insert(&ada).await.unwrap();
    let tries = (0..10).map(|n| {
        let users = users.clone();
        let hash = format!("$argon2id$new{n}");
        tokio::spawn(async move {
            users.replace_password_hash(ada.id, "$argon2id$first", &hash).await.unwrap().then_some(hash)
        })
    });
    let winners: Vec<_> = join_all(tries).await.into_iter().filter_map(|answer| answer.unwrap()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(users.get(ada.id).await.unwrap().unwrap().password_hash.expose_secret(), winners[0]);
}

async fn accounts_are_listed_by_address_page_after_page(backend: Backend) {
    let users = open(backend).await.users;
    for address in ["Dora@example.org", "ada@example.org", "éva@example.org", "bob@example.org", "Carl@example.org"] {
        users.insert(&user(address)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = users.list(after.as_deref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.email.key().to_owned());
        seen.extend(page.iter().map(|user| user.email.to_string()));
    }
    let expected = ["ada@example.org", "bob@example.org", "Carl@example.org", "Dora@example.org", "éva@example.org"];
    assert_eq!(seen, expected);
}
