//! What people meet first: the page at `/`, and the commands to try the API with.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::App;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// Lets the page have its own style and its icon, and nothing else. No script, not even of ours.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("base64 is a header value")
});

/// The routes. In production there is no page.
pub fn routes(production: bool) -> Router<App> {
    if production { Router::new() } else { Router::new().route("/", get(page)) }
}

async fn page(State(app): State<App>) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, Html(html(&app.config.server.public_url))).into_response()
}

fn html(public_url: &str) -> String {
    PAGE.replace("{{style}}", STYLE)
        .replace("{{api}}", &escaped(&endpoint(public_url)))
        .replace("{{register}}", &escaped(&register_curl(public_url)))
        .replace("{{upload}}", &escaped(&upload_curl(public_url)))
        .replace("{{list}}", &escaped(&list_curl(public_url)))
}

/// For the text of an HTML element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn endpoint(public_url: &str) -> String {
    format!("{public_url}/graphql")
}

/// The command that opens an account, to be pasted into a shell as it is.
#[must_use]
pub fn register_curl(public_url: &str) -> String {
    let operation = json!({
        "query": "mutation($input: RegisterInput!) { register(input: $input) { token userErrors { message } } }",
        "variables": { "input": { "email": "ada@example.org", "password": "correct horse battery staple" } },
    });
    let url = quoted(&endpoint(public_url));
    format!("curl {url} \\\n  -H 'Content-Type: application/json' \\\n  -d {}", quoted(&operation.to_string()))
}

fn upload_curl(public_url: &str) -> String {
    let operations = json!({
        "query": "mutation($file: Upload!) { upload(input: { file: $file }) \
                  { file { id name size mediaType url } userErrors { message } } }",
        "variables": { "file": Value::Null },
    });
    let url = quoted(&endpoint(public_url));
    let operations = quoted(&operations.to_string());
    format!(
        "curl {url} \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  -F operations={operations} \\\n  \
         -F map='{{\"0\":[\"variables.file\"]}}' \\\n  -F 0=@photo.jpg"
    )
}

fn list_curl(public_url: &str) -> String {
    let operation = json!({ "query": "{ files(first: 10) { nodes { name size thumbnailStatus url } } }" });
    let url = quoted(&endpoint(public_url));
    format!(
        "curl {url} \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  -H 'Content-Type: application/json' \\\n  -d {}",
        quoted(&operation.to_string())
    )
}

/// One word of a POSIX shell, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The arguments that a real shell makes of the command.
    fn arguments(command: &str) -> Vec<String> {
        let script = format!("TOKEN=abc; curl() {{ printf '%s\\n' \"$@\"; }}\n{command}");
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_commands_can_be_pasted() {
        let register = arguments(&register_curl("http://127.0.0.1:4000"));
        assert_eq!(register[..4], ["http://127.0.0.1:4000/graphql", "-H", "Content-Type: application/json", "-d"]);
        let body: Value = serde_json::from_str(&register[4]).unwrap();
        assert!(body["variables"]["input"]["password"].as_str().unwrap().len() >= 12);

        let upload = arguments(&upload_curl("http://127.0.0.1:4000"));
        assert!(upload.contains(&"Authorization: Bearer abc".to_owned()));
        let part = |name: &str| {
            let prefix = format!("{name}=");
            upload.iter().find_map(|argument| argument.strip_prefix(&prefix)).unwrap().to_owned()
        };
        let (operations, map): (Value, Value) =
            (serde_json::from_str(&part("operations")).unwrap(), serde_json::from_str(&part("map")).unwrap());
        assert_eq!(operations["variables"], json!({ "file": null }));
        assert_eq!(map, json!({ "0": ["variables.file"] }));
        assert_eq!(part("0"), "@photo.jpg");

        let list = arguments(&list_curl("http://127.0.0.1:4000"));
        assert!(serde_json::from_str::<Value>(&list[list.len() - 1]).is_ok());
    }

    #[test]
    fn no_url_leaves_its_quotes() {
        let url = "http://x.org/it's$(id)`id`;&<b>";
        assert_eq!(arguments(&register_curl(url))[0], format!("{url}/graphql"));
        assert!(!html(url).contains("<b>"));
    }

    #[test]
    fn the_page_is_filled_in_and_needs_nothing_from_elsewhere() {
        let page = html("https://files.example.org");
        assert!(page.contains("https://files.example.org/graphql"));
        assert!(!page.contains("{{"));
        assert!(!page.contains("<script") && !page.contains("src="));
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        assert!(page.contains(&format!("<style>{STYLE}</style>")));
        assert!(POLICY.to_str().unwrap().contains(&hash));
    }
}
