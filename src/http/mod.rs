//! HTTP: routes, and what every request passes through.

pub mod census;
pub mod console;
pub mod content;
pub mod graphiql;
pub mod graphql;
pub mod health;
pub mod login;
pub mod memory;
pub mod multipart;
pub mod refusal;
pub mod request;
pub mod server;
pub mod websocket;

use std::sync::Arc;

use axum::Router;

use self::{census::Census, memory::Memory};
use crate::{
    config::Config,
    graphql::Api,
    model::{Clock, Random},
    service::Services,
    shutdown::Shutdown,
    store::Store,
    telemetry::Metrics,
};

/// What every route can use. Cloned freely.
#[derive(Clone)]
pub struct App {
    /// The GraphQL API.
    pub api: Api,
    /// The services.
    pub services: Services,
    /// The stores.
    pub store: Store,
    /// The settings.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Whether to stop.
    pub shutdown: Shutdown,
    /// What is counted.
    pub metrics: Metrics,
    /// Who listens.
    pub census: Census,
    /// What requests and answers may take of memory.
    pub memory: Memory,
}

/// Every route of the API's port.
pub fn router(app: App) -> Router {
    let measure = axum::middleware::from_fn_with_state(app.metrics.clone(), health::measure);
    let routes = Router::new()
        .merge(graphql::routes())
        .merge(content::routes())
        .merge(health::routes())
        .merge(console::routes(app.config.server.production))
        .merge(graphiql::routes(app.config.server.graphiql && !app.config.server.production))
        .fallback(refusal::not_found)
        .method_not_allowed_fallback(refusal::method_not_allowed)
        .layer(measure);
    request::layers(routes, &app).with_state(app)
}
