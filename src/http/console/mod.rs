//! What people meet first: the console at `/`, and the command to open an account with.
//!
//! A page and its modules, all of them in the program. `main.js` is where they begin; each says what it owns.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    App,
    content::conditional::{Outcome, Validators},
    refusal,
    request::RequestContext,
};

/// What the page may do: run and show what this server has, and talk to it. No script or style within the page, not even
/// of ours, and nothing from elsewhere. `blob:` is for pictures that the browser already has.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A part of the console.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    body: &'static str,
    /// Changes with every byte, so that a browser asks once more and mostly hears that nothing changed.
    etag: String,
}

/// The parts, by their names in this folder.
macro_rules! assets {
    ($($media_type:ident: $($name:literal)+;)+) => {
        vec![$($(Asset {
            name: $name,
            media_type: $media_type,
            body: include_str!($name),
            etag: etag(include_str!($name)),
        },)+)+]
    };
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    assets! {
        HTML: "index.html";
        CSS: "console.css" "panel.css" "explorer/explorer.css";
        SVG: "icon.svg";
        JAVASCRIPT:
            "main.js" "client.js" "session.js" "events.js" "operations.js" "folder.js" "browse.js" "grid.js" "cell.js"
            "actions.js" "menu.js" "dialogs.js" "move.js" "preview.js" "uploads.js" "transfer.js" "tray.js" "walk.js"
            "thumbhash.js" "panel.js" "snippets.js" "notices.js" "dom.js" "icons.js" "format.js" "theme.js" "places.js"
            "explorer/explorer.js" "explorer/layout.js" "explorer/button.js" "explorer/editor.js" "explorer/layer.js"
            "explorer/typing.js" "explorer/suggest.js" "explorer/hover.js" "explorer/problems.js"
            "explorer/variables.js" "explorer/answer.js" "explorer/tree.js" "explorer/docs.js" "explorer/past.js"
            "explorer/history.js" "explorer/examples.js" "explorer/run.js" "explorer/lex.js" "explorer/parse.js"
            "explorer/scan.js" "explorer/schema.js" "explorer/validate.js" "explorer/values.js" "explorer/inputs.js"
            "explorer/json.js" "explorer/complete.js" "explorer/describe.js" "explorer/prettify.js"
            "explorer/told.js";
    }
});

fn etag(body: &str) -> String {
    format!("\"{:x}\"", Sha256::digest(body))
}

fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// The routes. In production there is no console.
pub fn routes(production: bool) -> Router<App> {
    if production {
        return Router::new();
    }
    Router::new().route("/", get(index)).route("/console/{*name}", get(part))
}

async fn index(context: RequestContext, headers: HeaderMap) -> Response {
    send("index.html", context, &headers).await
}

async fn part(context: RequestContext, Path(name): Path<String>, headers: HeaderMap) -> Response {
    send(&name, context, &headers).await
}

async fn send(name: &str, context: RequestContext, request: &HeaderMap) -> Response {
    let Some(asset) = asset(name) else { return refusal::not_found(context).await };
    let validators = Validators { etag: asset.etag.clone(), modified: None };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, HeaderValue::from_str(&asset.etag).expect("hexadecimal digits in quotes are a header value")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    match validators.evaluate(request) {
        Outcome::Proceed => (headers, [(header::CONTENT_TYPE, asset.media_type)], asset.body).into_response(),
        Outcome::NotModified => (StatusCode::NOT_MODIFIED, headers).into_response(),
        Outcome::Failed => (StatusCode::PRECONDITION_FAILED, headers).into_response(),
    }
}

/// The command that opens an account, to be pasted into a shell as it is.
#[must_use]
pub fn register_curl(public_url: &str) -> String {
    let operation = json!({
        "query": "mutation($input: RegisterInput!) { register(input: $input) { token userErrors { message } } }",
        "variables": { "input": { "email": "ada@example.org", "password": "correct horse battery staple" } },
    });
    let url = quoted(&format!("{public_url}/graphql"));
    format!("curl {url} \\\n  -H 'Content-Type: application/json' \\\n  -d {}", quoted(&operation.to_string()))
}

/// One word of a POSIX shell, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::Value;
    use url::Url;

    use super::*;

    /// The arguments that a real shell makes of the command.
    fn arguments(command: &str) -> Vec<String> {
        let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{command}");
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_command_can_be_pasted() {
        let register = arguments(&register_curl("http://127.0.0.1:4000"));
        assert_eq!(register[..4], ["http://127.0.0.1:4000/graphql", "-H", "Content-Type: application/json", "-d"]);
        let body: Value = serde_json::from_str(&register[4]).unwrap();
        assert!(body["variables"]["input"]["password"].as_str().unwrap().len() >= 12);
    }

    #[test]
    fn no_url_leaves_its_quotes() {
        let url = "http://x.org/it's$(id)`id`;&<b>";
        assert_eq!(arguments(&register_curl(url))[0], format!("{url}/graphql"));
    }

    #[test]
    fn the_console_has_all_that_it_names_and_names_nothing_from_elsewhere() {
        for Asset { name, body, .. } in ASSETS.iter() {
            let page = Url::parse("http://localhost/console/").unwrap().join(name).unwrap();
            let is_link = |word: &&str| ["./", "../", "/console/"].iter().any(|start| word.starts_with(start));
            for link in body.split(['"', '\'']).filter(is_link) {
                let target = page.join(link).unwrap();
                assert!(target.path().strip_prefix("/console/").and_then(asset).is_some(), "{name} names {link}");
            }
            // The name of a namespace is no address.
            assert_eq!(body.matches("://").count(), body.matches("http://www.w3.org/2000/svg").count(), "{name}");
        }
    }

    #[test]
    fn the_page_has_neither_scripts_nor_styles_of_its_own() {
        let page = asset("index.html").unwrap().body;
        assert!(!page.contains("<style") && !page.contains("style="), "{page}");
        assert_eq!(page.matches("<script").count(), page.matches("<script type=\"module\" src=\"/console/").count());
    }

    #[test]
    fn it_stays_small() {
        assert!(ASSETS.iter().map(|asset| asset.body.len()).sum::<usize>() < 384 * 1024);
    }
}
