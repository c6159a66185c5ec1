//! What can be listened to.

use async_graphql::{Context, ID};
use futures_util::{StreamExt as _, stream::BoxStream};

use super::{
    Result, authenticated,
    file::File,
    request::{services, signed_in},
};
use crate::error::Error;

/// The root of subscriptions.
pub struct Subscription;

/// What can be listened to: over a WebSocket (`graphql-transport-ws`), `text/event-stream`, or `multipart/mixed`.
#[async_graphql::Subscription]
impl Subscription {
    /// The viewer's images whose thumbnails have settled, as `READY` or as `FAILED`: one event each time. With `fileId`,
    /// that image alone: exactly one event, sent at once if it has settled already, then the stream completes;
    /// subscribing late or through an outage misses nothing. If the image is deleted meanwhile, the stream completes
    /// without an event; for what is missing, another's or no image it fails with `NOT_FOUND`.
    #[graphql(directive = authenticated::apply())]
    async fn thumbnail_ready(&self, ctx: &Context<'_>, file_id: Option<ID>) -> Result<BoxStream<'static, File>> {
        let owner = signed_in(ctx)?.user;
        let watch = &services(ctx).watch;
        let settled = match file_id {
            Some(id) => watch.image(owner, id.parse().map_err(|_| Error::not_found("fileId"))?).await?,
            None => watch.images(owner).await?,
        };
        Ok(settled.map(File::from).boxed())
    }
}
