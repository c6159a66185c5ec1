//! News within the one process that serves the embedded back end.

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::{
    error::Result,
    model::{Clock, UserId},
    store::{Event, Events, News, hub::Hub},
};

/// [`Events`] within this process.
pub struct LocalEvents(Hub);

impl LocalEvents {
    /// Nobody listens yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self(Hub::new(clock))
    }
}

#[async_trait]
impl Events for LocalEvents {
    async fn publish(&self, event: &Event) -> Result<()> {
        self.0.tell(*event);
        Ok(())
    }

    async fn listen(&self, owner: UserId) -> Result<BoxStream<'static, News>> {
        Ok(self.0.listen(owner))
    }
}
