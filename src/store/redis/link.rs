//! One connection to Redis that is whole or gone.
//!
//! The driver could reconnect by itself, but then it also resends commands, takes a silent server for a living one as
//! long as commands keep coming, and leaves open what became of subscriptions. So each connection is a client of its
//! own without a reconnect policy: when anything is wrong with it, it is dropped with all that waits for it, and
//! whoever needs one opens another.

use std::time::Duration;

use fred::{
    clients::Client,
    error::{Error as FredError, ErrorKind},
    interfaces::{ClientLike as _, FredResult},
    types::{Builder, ConnectHandle, config::Config},
};
use tokio::{sync::watch, time::timeout};

/// How long a connection may take, and then the greeting on it. Both and [`RETRY`] together stay under the 5 s within
/// which service has to be back after an outage.
const OPENING: Duration = Duration::from_millis(1500);
/// How long a command may take that has no time-out of its own. The slowest script takes milliseconds.
const REPLY: Duration = Duration::from_secs(3);
/// How often a connection is asked whether it lives, and how long the answer may take: a silent server is given up
/// within their sum.
pub(super) const BEAT: Duration = Duration::from_secs(1);
const BEAT_REPLY: Duration = Duration::from_secs(2);
/// The pause before the next try to connect.
pub(super) const RETRY: Duration = Duration::from_millis(500);
/// How many commands may wait to be written, and how many messages to be read, on one connection.
pub(super) const BACKLOG: usize = 4096;

/// An open connection. Dropping it closes it and ends what waits on it.
pub(super) struct Link {
    pub(super) client: Client,
    task: ConnectHandle,
}

impl Link {
    /// Connects, and proves it by a round trip. Nothing stays behind when this is cancelled.
    pub(super) async fn open(config: &Config) -> FredResult<Self> {
        let client = Builder::from_config(config.clone())
            .with_connection_config(|connection| {
                connection.connection_timeout = OPENING;
                connection.internal_command_timeout = OPENING;
                connection.max_command_attempts = 1;
                connection.max_command_buffer_len = BACKLOG;
                connection.tcp.nodelay = Some(true);
            })
            .with_performance_config(|performance| {
                performance.default_command_timeout = REPLY;
                performance.broadcast_channel_capacity = BACKLOG;
            })
            .build()?;
        let task = client.connect();
        let mut link = Self { client, task };
        let client = link.client.clone();
        tokio::select! {
            pong = client.ping::<()>(None) => pong?,
            error = link.ended() => return Err(error),
        }
        Ok(link)
    }

    /// Waits for the end of the connection. Not to be called again after that.
    pub(super) async fn ended(&mut self) -> FredError {
        match (&mut self.task).await {
            Ok(Err(error)) => error,
            _ => FredError::new(ErrorKind::Canceled, "the connection was closed"),
        }
    }

    /// Whether the connection has ended.
    pub(super) fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Asks whether the server lives.
    pub(super) async fn beat(&self) -> FredResult<()> {
        let silent = |_| FredError::new(ErrorKind::Timeout, "the server is silent");
        timeout(BEAT_REPLY, self.client.ping(None)).await.map_err(silent)?
    }

    /// Waits until something is wrong with the connection.
    async fn failure(&mut self) -> FredError {
        loop {
            let pause = tokio::time::sleep(BEAT);
            tokio::select! {
                error = self.ended() => return error,
                () = pause => {}
            }
            if let Err(error) = self.beat().await {
                return error;
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Keeps a connection from now on, and shows the present one, until nobody looks any more.
pub(super) fn keep(config: Config, mut link: Link) -> watch::Receiver<Option<Client>> {
    let (slot, client) = watch::channel(Some(link.client.clone()));
    tokio::spawn(async move {
        loop {
            tokio::select! {
                error = link.failure() => tracing::warn!(%error, "lost the connection to Redis"),
                () = slot.closed() => return,
            }
            slot.send_replace(None);
            drop(link);
            link = tokio::select! {
                link = reopen(&config) => link,
                () = slot.closed() => return,
            };
            tracing::info!("connected to Redis again");
            slot.send_replace(Some(link.client.clone()));
        }
    });
    client
}

async fn reopen(config: &Config) -> Link {
    loop {
        tokio::time::sleep(RETRY).await;
        match Link::open(config).await {
            Ok(link) => return link,
            Err(error) => tracing::debug!(%error, "no connection to Redis yet"),
        }
    }
}
