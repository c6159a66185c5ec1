//! News between processes over Redis' channels: one channel for each user, one connection for all listeners of a process.
//!
//! Redis keeps no news for those who are away. So every time the connection is new, everyone subscribes again first and
//! then hears since when something may have been missed.

use std::collections::HashSet;

use async_trait::async_trait;
use fred::{
    error::{Error as FredError, ErrorKind},
    interfaces::{EventInterface as _, FredResult, PubsubInterface as _},
    types::{Message, RespVersion, config::Config},
};
use futures_util::{StreamExt as _, stream::BoxStream};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use super::{
    PATIENCE, Redis, keys,
    link::{BEAT, Link, RETRY},
};
use crate::{
    error::{Error, Result},
    model::{FileId, Generation, Timestamp, UserId},
    store::{Event, Events, News, Settled, hub::Hub},
};

/// How many listeners may wait for their subscription to be confirmed before others have to wait to ask.
const WAITING: usize = 256;

/// [`Events`] over Redis.
pub struct RedisEvents {
    redis: Redis,
    hub: Hub,
    wishes: mpsc::Sender<Wish>,
}

/// Somebody wants to listen.
struct Wish {
    owner: UserId,
    /// Told once Redis has confirmed the subscription; dropped when it cannot.
    granted: oneshot::Sender<()>,
}

impl RedisEvents {
    /// Over this server. Has to be called within a runtime: the connection for listening is made and kept by a task.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        let hub = Hub::new(redis.0.clock.clone());
        let (wishes, inbox) = mpsc::channel(WAITING);
        let subscriber = Subscriber { redis: redis.clone(), hub: hub.clone(), wishes: inbox, sound: [None; 2] };
        tokio::spawn(subscriber.run());
        Self { redis, hub, wishes }
    }
}

#[async_trait]
impl Events for RedisEvents {
    async fn publish(&self, event: &Event) -> Result<()> {
        let channel = self.redis.key_of(keys::EVENTS, event.owner().0);
        let text = serde_json::to_string(&Wire::from(*event)).map_err(Error::internal)?;
        self.redis.ask(|client| async move { client.publish(channel, text).await }).await
    }

    async fn listen(&self, owner: UserId) -> Result<BoxStream<'static, News>> {
        // First, so that nothing is missed once Redis sends.
        let news = self.hub.listen(owner);
        let (granted, answer) = oneshot::channel();
        let confirmed = async {
            self.wishes.send(Wish { owner, granted }).await.ok()?;
            answer.await.ok()
        };
        match timeout(PATIENCE, confirmed).await {
            Ok(Some(())) => {
                // The subscriber's task lives as long as anybody holds one of these.
                let alive = self.wishes.clone();
                Ok(news.inspect(move |_| _ = &alive).boxed())
            }
            Ok(None) => Err(Error::unavailable("Redis", "no connection to listen on")),
            Err(late) => Err(Error::unavailable("Redis", late)),
        }
    }
}

/// The task that holds the connection for listening.
struct Subscriber {
    redis: Redis,
    hub: Hub,
    wishes: mpsc::Receiver<Wish>,
    /// When the last two round trips that came back were begun, the last one second. All that was published before the
    /// last came in; all that was published before the one before it was passed on, too.
    sound: [Option<Timestamp>; 2],
}

impl Subscriber {
    async fn run(mut self) {
        // In the third version of the protocol a connection that listens can still be asked other things, and what it
        // answers is no message. Being asked tells whether it lives, and what it has subscribed to.
        let config = Config { version: RespVersion::RESP3, ..self.redis.0.config.clone() };
        loop {
            let lost = match Link::open(&config).await {
                Ok(link) => self.serve(link).await,
                Err(error) => Err(error),
            };
            match lost {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "not listening for events of other processes"),
            }
            if self.refuse().await.is_none() {
                return;
            }
        }
    }

    /// Serves the listeners until something is wrong with the connection, or nobody is left.
    async fn serve(&mut self, mut link: Link) -> FredResult<()> {
        let mut messages = link.client.message_rx();
        let mut subscribed: HashSet<UserId> = HashSet::new();
        let missed_since = self.sound[0];
        self.subscribe(&link, &mut subscribed, self.hub.owners()).await?;
        if let Some(since) = missed_since {
            self.hub.missed(since);
        }
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Messages first: a round trip must not begin before all that came in earlier has been passed on.
                biased;
                message = messages.recv() => match message {
                    Ok(message) => self.pass_on(&message),
                    Err(RecvError::Lagged(_)) => if let Some(since) = self.sound[0] { self.hub.missed(since) },
                    Err(RecvError::Closed) => return Err(FredError::new(ErrorKind::Canceled, "closed")),
                },
                error = link.ended() => return Err(error),
                wish = self.wishes.recv() => {
                    let Some(wish) = wish else { return Ok(()) };
                    let mut wishes = vec![wish];
                    while let Ok(wish) = self.wishes.try_recv() {
                        wishes.push(wish);
                    }
                    self.subscribe(&link, &mut subscribed, wishes.iter().map(|wish| wish.owner).collect()).await?;
                    for wish in wishes {
                        // It fails when nobody waits any more.
                        let _ = wish.granted.send(());
                    }
                }
                _ = beat.tick() => {
                    self.unsubscribe(&link, &mut subscribed).await?;
                    self.round_trip(&link).await?;
                }
            }
        }
    }

    /// Subscribes to the news of these users, and waits until Redis has done so.
    async fn subscribe(
        &mut self,
        link: &Link,
        subscribed: &mut HashSet<UserId>,
        owners: Vec<UserId>,
    ) -> FredResult<()> {
        let new: Vec<String> =
            owners.into_iter().filter(|owner| subscribed.insert(*owner)).map(|owner| self.channel(owner)).collect();
        if !new.is_empty() {
            link.client.subscribe(new).await?;
        }
        // The driver does not wait for the confirmation. Commands on one connection are done in order, so the answer to
        // a later one tells.
        self.round_trip(link).await
    }

    /// Unsubscribes from the news that nobody listens for any more.
    async fn unsubscribe(&self, link: &Link, subscribed: &mut HashSet<UserId>) -> FredResult<()> {
        let wanted: HashSet<UserId> = self.hub.owners().into_iter().collect();
        let gone: Vec<String> = subscribed.difference(&wanted).map(|owner| self.channel(*owner)).collect();
        subscribed.retain(|owner| wanted.contains(owner));
        // To Redis, no channels are all channels.
        if gone.is_empty() { Ok(()) } else { link.client.unsubscribe(gone).await }
    }

    async fn round_trip(&mut self, link: &Link) -> FredResult<()> {
        let begun = self.redis.0.clock.now();
        link.beat().await?;
        self.sound = [self.sound[1].or(Some(begun)), Some(begun)];
        Ok(())
    }

    fn pass_on(&self, message: &Message) {
        let text = message.value.as_bytes();
        if let Some(event) = text.and_then(|text| serde_json::from_slice::<Wire>(text).ok()) {
            self.hub.tell(event.into());
        } else {
            tracing::warn!(channel = %message.channel, "a message that is no event");
        }
    }

    /// Refuses whoever wants to listen, for the pause before the next try to connect. `None` when nobody is left.
    async fn refuse(&mut self) -> Option<()> {
        let end = Instant::now() + RETRY;
        loop {
            tokio::select! {
                () = sleep_until(end) => return Some(()),
                wish = self.wishes.recv() => drop(wish?),
            }
        }
    }

    fn channel(&self, owner: UserId) -> String {
        self.redis.key_of(keys::EVENTS, owner.0)
    }
}

/// An event as it is sent: IDs alone.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wire {
    Settled { file: FileId, owner: UserId, generation: Generation },
    Deleted { file: FileId, owner: UserId },
}

impl From<Event> for Wire {
    fn from(event: Event) -> Self {
        match event {
            Event::Settled(Settled { file, owner, generation }) => Self::Settled { file, owner, generation },
            Event::Deleted { file, owner } => Self::Deleted { file, owner },
        }
    }
}

impl From<Wire> for Event {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Settled { file, owner, generation } => Self::Settled(Settled { file, owner, generation }),
            Wire::Deleted { file, owner } => Self::Deleted { file, owner },
        }
    }
}
