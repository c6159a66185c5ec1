//! `strongroom health`.

use std::{net::IpAddr, process::ExitCode, time::Duration};

use clap::Args;

use crate::{app::StartError, config::Config};

/// The arguments of `health`.
#[derive(Debug, Args)]
pub struct Health {
    /// The server to ask, instead of the one at server.bind.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

impl Health {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode, StartError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = self.url.unwrap_or_else(|| {
            let mut bind = config.server.bind;
            if bind.ip().is_unspecified() {
                bind.set_ip(if bind.is_ipv4() {
                    IpAddr::from([127, 0, 0, 1])
                } else {
                    IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])
                });
            }
            format!("http://{bind}")
        });
        let scheme = if url.contains("://") { "" } else { "http://" };
        let url = format!("{scheme}{}/readyz", url.trim_end_matches('/'));
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build();
        let client = client.map_err(|error| StartError(error.to_string()))?;
        match client.get(&url).send().await {
            Ok(response) => {
                let ready = response.status().is_success();
                println!("{}", response.text().await.unwrap_or_default().trim());
                Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
            Err(error) => {
                let error = error.without_url();
                let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), innermost);
                Err(StartError(format!("{url} does not answer: {why}")))
            }
        }
    }
}

/// The last cause says most: "Connection refused".
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
