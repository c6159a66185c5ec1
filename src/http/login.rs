//! A viewer whose session is watched: for what outlives a single request, like sockets and streams of answers.

use std::time::Duration;

use tokio::{sync::watch, time::sleep};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument as _;

use super::{App, census::Place};
use crate::{model::Client, service::Viewer};

/// How often is looked whether the session is still open.
const SESSION_CHECK: Duration = Duration::from_secs(2);

/// A signed-in viewer, counted as one subscriber, until dropped.
#[derive(Debug)]
pub struct Login {
    /// With the token that the session has by now: a refresh gives it another.
    viewer: watch::Receiver<Viewer>,
    ended: CancellationToken,
    _place: Place,
    _watch: AbortOnDropHandle<()>,
}

impl Login {
    /// Begins to watch. `None`: the user has as many sockets and streams as may be.
    #[must_use]
    pub fn open(app: &App, viewer: Viewer) -> Option<Self> {
        let place = app.census.enter(Client::User(viewer.user), app.config.limits.sockets_per_user)?;
        let ended = CancellationToken::new();
        let (renewed, viewer) = watch::channel(viewer);
        let watching = watch_session(app.clone(), renewed, ended.clone());
        let watching = AbortOnDropHandle::new(tokio::spawn(watching.in_current_span()));
        Some(Self { viewer, ended, _place: place, _watch: watching })
    }

    /// Who it is.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        *self.viewer.borrow()
    }
}

/// Waits until the session has ended: expired, signed out, or its password changed. For ever without one.
pub async fn ended(login: Option<&Login>) {
    match login {
        Some(login) => login.ended.cancelled().await,
        None => std::future::pending().await,
    }
}

/// Tells when the viewer's session has ended. While nobody can tell, it lasts as long as was last known.
async fn watch_session(app: App, viewer: watch::Sender<Viewer>, ended: CancellationToken) {
    let mut known_end = None;
    loop {
        sleep(SESSION_CHECK).await;
        let now = *viewer.borrow();
        match app.services.accounts.present(&now).await {
            Ok(Some((present, end))) => {
                known_end = Some(end);
                viewer.send_if_modified(|viewer| std::mem::replace(viewer, present) != present);
            }
            Err(_) if known_end.is_none_or(|end| app.clock.now() < end) => {}
            Ok(None) | Err(_) => {
                ended.cancel();
                return;
            }
        }
    }
}
