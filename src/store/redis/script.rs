//! Lua scripts that run whole or not at all within Redis, sent by their hash.

use std::sync::OnceLock;

use fred::{
    clients::Client,
    interfaces::{FredResult, LuaInterface as _},
    types::FromValue,
};

/// A script.
pub(super) struct Script {
    text: &'static str,
    /// What Redis calls it: a hash of the text, so the same on every server.
    hash: OnceLock<String>,
}

impl Script {
    pub(super) const fn new(text: &'static str) -> Self {
        Self { text, hash: OnceLock::new() }
    }

    /// Runs it, whether or not this server knows it: one that was restarted or flushed does not.
    pub(super) async fn run<T: FromValue>(
        &self,
        client: &Client,
        keys: Vec<String>,
        arguments: Vec<String>,
    ) -> FredResult<T> {
        let hash = if let Some(hash) = self.hash.get() {
            hash
        } else {
            let hash = client.script_load(self.text).await?;
            self.hash.get_or_init(|| hash)
        };
        match client.evalsha(hash.as_str(), keys.clone(), arguments.clone()).await {
            Err(error) if error.details().starts_with("NOSCRIPT") => client.eval(self.text, keys, arguments).await,
            answer => answer,
        }
    }
}
