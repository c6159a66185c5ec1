//! The accept loop.
use crate::{config::Server, error::Result, shutdown::Shutdown};
use axum::Router;
use tokio::net::TcpListener;

/// Serves until the shutdown has begun and what runs has finished, or the grace is over.
pub async fn serve(_listener: TcpListener, _routes: Router, _settings: &Server, _shutdown: Shutdown) -> Result<()> {
    Ok(())
}
