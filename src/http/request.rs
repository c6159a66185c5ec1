//! What every request passes through: its ID, the client's address, who is asking.
use super::App;
use axum::Router;

/// Puts the layers around the routes.
pub fn layers(routes: Router<App>, _app: &App) -> Router<App> {
    routes
}
