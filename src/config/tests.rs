//! What the configuration accepts, and what it says of the rest.

use super::*;

fn problems(settings: &[(&str, &str)]) -> Vec<String> {
    let mut layers = Layers::defaults();
    layers.environment(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    match Config::read(layers) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_defaults_are_whole_and_every_default_means_something() {
    let mut layers = Layers::defaults();
    assert!(Config::read(layers.clone()).is_ok());
    // Reading asks for every key; a key that nothing asks for, or that has no default, fails here.
    let _ = (server(&mut layers), store(&mut layers), blobs(&mut layers), accounts(&mut layers));
    let _ = (limits(&mut layers), thumbnails(&mut layers), layers.text("log.filter"), layers.text("log.format"));
    assert_eq!(layers.unused().collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn every_default_is_explained() {
    let mut explained = false;
    for line in DEFAULTS.lines() {
        match line {
            "" => explained = false,
            line if line.starts_with('#') => explained = true,
            line if line.starts_with('[') => explained = false,
            line => assert!(explained, "no comment above: {line}"),
        }
    }
}

#[test]
fn an_unknown_key_is_refused_with_a_guess() {
    let found = problems(&[("STRONGROOM__SERVER__BIMD", "x")]);
    assert_eq!(found, ["server.bimd (STRONGROOM__SERVER__BIMD): there is no such setting. Did you mean server.bind?"]);
}

#[test]
fn a_slip_in_the_prefix_of_a_variable_is_noticed() {
    let found = problems(&[("STRONGROOM_SERVER__BIND", "127.0.0.1:80"), ("STRONGROOM_SERVICE_HOST", "10.0.0.1")]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("STRONGROOM__SERVER__BIND"), "{found:?}");
}

#[test]
fn all_problems_are_listed_at_once() {
    let found = problems(&[
        ("STRONGROOM__SERVER__BIND", "0.0.0.0:80"),
        ("STRONGROOM__THUMBNAILS__LEASE", "soon"),
        ("STRONGROOM__LIMITS__PAGE_SIZE", "0"),
        ("STRONGROOM__STORE__BACKEND", "servers"),
    ]);
    for key in [
        "server.public_url",
        "thumbnails.lease",
        "limits.page_size",
        "store.mongodb_url",
        "store.redis_url",
        "accounts.secret",
        "blobs.dir",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(key)), "{key} in {found:#?}");
    }
}

#[test]
fn a_file_larger_than_s3_can_copy_is_refused_there() {
    let largest = S3_LARGEST.to_string();
    let s3 = |upload_bytes| {
        problems(&[
            ("STRONGROOM__BLOBS__BACKEND", "s3"),
            ("STRONGROOM__BLOBS__BUCKET", "files"),
            ("STRONGROOM__BLOBS__ACCESS_KEY_ID", "key"),
            ("STRONGROOM__BLOBS__SECRET_ACCESS_KEY", "secret"),
            ("STRONGROOM__LIMITS__UPLOAD_BYTES", upload_bytes),
        ])
    };
    assert_eq!(s3(&largest), [""; 0]);
    assert_eq!(s3("5368709121").len(), 1);
    assert_eq!(problems(&[("STRONGROOM__LIMITS__UPLOAD_BYTES", "5368709121")]), [""; 0]);
}

#[test]
fn a_memory_budget_that_one_image_may_exceed_is_refused() {
    let memory = ("STRONGROOM__THUMBNAILS__MEMORY", "2147483648");
    assert_eq!(
        problems(&[memory]),
        ["thumbnails.memory_budget (default): should be no less than thumbnails.memory, which one image may take"]
    );
    assert_eq!(problems(&[memory, ("STRONGROOM__THUMBNAILS__MEMORY_BUDGET", "2147483648")]), [""; 0]);
}

#[test]
fn a_weak_secret_is_refused() {
    for weak in ["short", &"a".repeat(64), "changeme-changeme-changeme-changeme"] {
        assert_eq!(problems(&[("STRONGROOM__ACCOUNTS__SECRET", weak)]).len(), 1, "{weak}");
    }
    assert!(problems(&[("STRONGROOM__ACCOUNTS__SECRET", "5f1d7f3c9b7e4a60a1c2e3d4f5061728")]).is_empty());
}

#[test]
fn secrets_are_not_shown() {
    let mut layers = Layers::defaults();
    for key in SECRETS {
        layers.set_text(key, "hunter2hunter2", "a test");
    }
    let shown = show(&layers);
    assert!(!shown.contains("hunter2"));
    assert_eq!(shown.matches("(set, not shown)").count(), SECRETS.len());
    assert!(toml::from_str::<toml::Table>(&shown).is_ok());
    let read = Config::read(layers);
    assert!(!format!("{read:?}").contains("hunter2"));
}
