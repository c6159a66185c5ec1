//! What operators see at `/metrics`.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{
    Backend,
    app::{Home, PATIENCE, jpeg},
    program::Program,
    servers::free_port,
};

/// The value of the series of this name and these labels.
fn value(text: &str, series: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}

async fn what_was_done_is_counted_and_every_back_end_is_named(backend: Backend) {
    let home = Home::new(backend);
    let address = format!("127.0.0.1:{}", free_port());
    let bind = address.clone();
    let program = tokio::task::spawn_blocking(move || Program::start(&home, &[], &[("server.metrics_bind", &bind)]))
        .await
        .unwrap();
    let ada = program.client().register("ada@example.org").await;
    let photo = jpeg(640, 480, 1);
    let uploaded = ada.upload("photo.jpg", photo.clone()).await;
    ada.settled(uploaded["id"].as_str().unwrap()).await;
    let ready: Value = ada.http.get(format!("{}/readyz", program.url)).send().await.unwrap().json().await.unwrap();
    // The worker tells listeners first and counts then; nothing announces that.
    let deadline = Instant::now() + PATIENCE;
    let text = loop {
        let answer = ada.http.get(format!("http://{address}/metrics")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
        let text = answer.text().await.unwrap();
        if text.contains(r#"strongroom_thumbnail_jobs_total{outcome="ready"} 1"#) {
            break text;
        }
        assert!(Instant::now() < deadline, "{text}");
    };
    assert!(text.ends_with("# EOF\n"));
    for (series, expected) in [
        ("strongroom_uploads_total", 1.0),
        ("strongroom_uploaded_bytes_total", f64::from(u32::try_from(photo.len()).unwrap())),
        (r#"strongroom_thumbnail_jobs_total{outcome="ready"}"#, 1.0),
        (r#"strongroom_queue_jobs{state="queued"}"#, 0.0),
        (r#"strongroom_queue_jobs{state="buried"}"#, 0.0),
        ("strongroom_images_overdue{}", 0.0),
        ("strongroom_queue_wait_seconds{}", 0.0),
        ("strongroom_lease_losses_total", 0.0),
    ] {
        assert!((value(&text, series) - expected).abs() < 0.5, "{series} is not {expected} in\n{text}");
    }
    let backends = ready["backends"].as_object().unwrap();
    assert!(!backends.is_empty());
    for (name, said) in backends {
        assert_eq!(said, &json!("ok"));
        assert!(value(&text, &format!("strongroom_backend_up{{backend=\"{name}\"}}")) > 0.5, "{text}");
    }
    let pools: &[_] = match backend {
        Backend::Embedded => &["sqlite_readers", "sqlite_writer"],
        Backend::Servers => &["mongodb", "redis_commands"],
    };
    for pool in pools {
        let [in_use, limit] =
            ["in_use", "limit"].map(|what| value(&text, &format!("strongroom_pool_{what}{{pool=\"{pool}\"}}")));
        assert!((0.0..=limit).contains(&in_use) && limit > 0.5, "{text}");
    }
    // The socket of a moment ago may still be closing.
    assert!(value(&text, "strongroom_subscribers") < 1.5, "{text}");
    assert!(value(&text, "strongroom_resident_memory_bytes{}") > 1e6);
    assert!(value(&text, "strongroom_open_files{}") > 3.0);
    // They are for operators: the address of the API does not have them.
    assert_eq!(ada.http.get(format!("{}/metrics", program.url)).send().await.unwrap().status(), 404);
}

crate::on_both_back_ends!(what_was_done_is_counted_and_every_back_end_is_named);
