//! Watching images until their thumbnails settle.
//!
//! Listen, then look: a watch starts to listen, then reads the state, then waits; so nothing falls in between. News
//! carry the ID only, may be repeated, and may get lost with a connection; what counts is what the store says.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::{
    FutureExt as _, StreamExt as _,
    stream::{self, BoxStream},
};
use tokio::time::{sleep, timeout};

use crate::{
    error::{Error, Result},
    model::{Clock, File, FileId, Generation, Timestamp, UserId},
    store::{Event, Events, Files, News, Settled, Store},
};

/// How long one image is waited for before it is looked at again without any news.
const SAFETY_NET: Duration = Duration::from_secs(10);
/// Pauses between looks at a store that fails: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How much earlier than a gap in the news its settlements are looked for: clocks differ.
const MARGIN: Duration = Duration::from_secs(5);
/// How many settlements after a gap are fetched at first, and at most.
const BATCHES: (usize, usize) = (100, 3200);
/// How many settlements one watch remembers, to tell a repeated one.
const REMEMBERED: usize = 512;

/// The service.
pub struct Watch {
    files: Arc<dyn Files>,
    events: Arc<dyn Events>,
    clock: Clock,
}

impl Watch {
    /// Over these stores.
    #[must_use]
    pub fn new(store: &Store, clock: Clock) -> Self {
        Self { files: Arc::clone(&store.files), events: Arc::clone(&store.events), clock }
    }

    /// One image of this owner, as soon as it has settled; then the stream ends. It ends without the image when that is
    /// deleted before. `NOT_FOUND` when there is no such image. Once this has succeeded, a store that fails is asked
    /// again until it answers.
    pub async fn image(&self, owner: UserId, id: FileId) -> Result<BoxStream<'static, File>> {
        let news = self.events.listen(owner).await?;
        match State::of(self.files.get(id).await?, owner) {
            State::Gone => Err(Error::not_found("fileId")),
            State::Settled(file) => Ok(stream::iter([*file]).boxed()),
            State::Pending => {
                let files = Arc::clone(&self.files);
                let settled = async move { wait_for(files.as_ref(), news, owner, id).await };
                Ok(stream::once(settled).filter_map(|file| async { file }).boxed())
            }
        }
    }

    /// Every image of this owner that settles from now on, each time it does. The stream does not end.
    pub async fn images(&self, owner: UserId) -> Result<BoxStream<'static, File>> {
        let since = self.clock.now();
        let news = self.events.listen(owner).await?;
        let files = Arc::clone(&self.files);
        let watch = Images { files, owner, since, news, seen: Seen::default(), ready: VecDeque::new() };
        Ok(stream::unfold(watch, Images::next).boxed())
    }
}

/// How an image stands.
enum State {
    /// Missing, another's, or no image.
    Gone,
    Pending,
    Settled(Box<File>),
}

impl State {
    fn of(file: Option<File>, owner: UserId) -> Self {
        let Some(file) = file.filter(|file| file.owner == owner) else { return Self::Gone };
        match &file.image {
            None => Self::Gone,
            Some(image) if image.is_settled() => Self::Settled(Box::new(file)),
            Some(_) => Self::Pending,
        }
    }
}

async fn wait_for(files: &dyn Files, mut news: BoxStream<'static, News>, owner: UserId, id: FileId) -> Option<File> {
    loop {
        // Time running out is a reason to look like any other.
        let _ = timeout(SAFETY_NET, reason_to_look(&mut news, id)).await;
        match State::of(patiently(|| files.get(id)).await, owner) {
            State::Gone => return None,
            State::Settled(file) => return Some(*file),
            State::Pending => {}
        }
    }
}

/// Ends with news that may concern this image, having taken what else has come: one look answers all of it.
async fn reason_to_look(news: &mut BoxStream<'static, News>, id: FileId) {
    loop {
        match news.next().await {
            Some(News::Event(Event::Settled(settled))) if settled.file != id => {}
            // A deleted folder may be one that the image is in.
            Some(_) => break,
            // No more news: time will tell.
            None => std::future::pending().await,
        }
    }
    while let Some(Some(_)) = news.next().now_or_never() {}
}

/// Asks the store until it answers, with growing pauses.
async fn patiently<T, F: Future<Output = Result<T>>>(ask: impl Fn() -> F) -> T {
    let (mut pause, longest) = PAUSES;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            // Many watches may wait for one store; whoever owns the store has it in the log already.
            Err(error) => tracing::debug!(%error, "a watched store fails"),
        }
        sleep(pause).await;
        pause = longest.min(pause * 2);
    }
}

/// The watch over all images of an owner.
struct Images {
    files: Arc<dyn Files>,
    owner: UserId,
    /// When it began: what settled earlier is not its business.
    since: Timestamp,
    news: BoxStream<'static, News>,
    seen: Seen,
    ready: VecDeque<File>,
}

impl Images {
    async fn next(mut self) -> Option<(File, Self)> {
        loop {
            if let Some(file) = self.ready.pop_front() {
                return Some((file, self));
            }
            match self.news.next().await? {
                News::Event(Event::Settled(settled)) => self.look(settled).await,
                News::Event(Event::Deleted { .. }) => {}
                News::Missed(since) => self.catch_up(since).await,
            }
        }
    }

    async fn look(&mut self, settled: Settled) {
        if self.seen.has(settled.file, settled.generation) {
            return;
        }
        let file = patiently(|| self.files.get(settled.file)).await;
        // Where the image has been retried since, the news of the later settlement is still to come.
        let same = |file: &File| file.image.as_ref().is_some_and(|image| image.generation == settled.generation);
        self.take(file.filter(same));
    }

    async fn catch_up(&mut self, gap: Timestamp) {
        let from = gap.minus(MARGIN).max(self.since);
        let (mut limit, most) = BATCHES;
        loop {
            let settled = patiently(|| self.files.settled_since(self.owner, from, limit)).await;
            let whole = settled.len() < limit;
            if whole || limit >= most {
                for file in settled {
                    self.take(Some(file));
                }
                return;
            }
            limit = most.min(limit * 2);
        }
    }

    fn take(&mut self, file: Option<File>) {
        if let State::Settled(file) = State::of(file, self.owner) {
            let generation = file.image.as_ref().map_or(0, |image| image.generation);
            if self.seen.add(file.id, generation) {
                self.ready.push_back(*file);
            }
        }
    }
}

/// The latest settlements that were seen.
#[derive(Default)]
struct Seen {
    set: HashSet<(FileId, Generation)>,
    order: VecDeque<(FileId, Generation)>,
}

impl Seen {
    fn has(&self, file: FileId, generation: Generation) -> bool {
        self.set.contains(&(file, generation))
    }

    /// `false` when it was there already.
    fn add(&mut self, file: FileId, generation: Generation) -> bool {
        let is_new = self.set.insert((file, generation));
        if is_new {
            self.order.push_back((file, generation));
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.set.remove(&oldest);
            }
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use uuid::Uuid;

    use super::*;
    use crate::model::{FileKind, Image, Thumbnails};

    const OWNER: UserId = UserId(Uuid::from_u128(1));

    fn file(id: u128, image: Option<Image>) -> File {
        File {
            id: FileId(Uuid::from_u128(id)),
            owner: OWNER,
            parent: None,
            name: "a.png".into(),
            kind: FileKind::Image,
            is_public: true,
            privacy_version: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            content: None,
            image,
        }
    }

    fn failed() -> Image {
        Image { thumbnails: Thumbnails::Failed { reason: "It is damaged.".into() }, ..Image::pending() }
    }

    #[test]
    fn only_an_image_of_the_owner_is_watched() {
        assert!(matches!(State::of(None, OWNER), State::Gone));
        assert!(matches!(State::of(Some(file(1, None)), OWNER), State::Gone));
        assert!(matches!(State::of(Some(file(1, Some(failed()))), UserId(Uuid::nil())), State::Gone));
        assert!(matches!(State::of(Some(file(1, Some(Image::pending()))), OWNER), State::Pending));
        assert!(matches!(State::of(Some(file(1, Some(failed()))), OWNER), State::Settled(_)));
    }

    #[test]
    fn a_repeated_settlement_is_told_and_memory_is_bounded() {
        let mut seen = Seen::default();
        let id = |n: usize| FileId(Uuid::from_u128(n as u128));
        assert!(seen.add(id(0), 1) && !seen.add(id(0), 1) && seen.add(id(0), 2));
        for n in 1..=REMEMBERED {
            seen.add(id(n), 1);
        }
        assert_eq!((seen.set.len(), seen.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!seen.has(id(0), 1) && seen.has(id(REMEMBERED), 1));
    }

    #[tokio::test]
    async fn news_of_other_images_are_no_reason_to_look() {
        let settled = |n: u128| {
            let settled = Settled { file: FileId(Uuid::from_u128(n)), owner: OWNER, generation: 1 };
            News::Event(Event::Settled(settled))
        };
        let id = FileId(Uuid::from_u128(1));
        let deleted = News::Event(Event::Deleted { owner: OWNER, file: FileId(Uuid::from_u128(9)) });
        for reason in [settled(1), News::Missed(Timestamp(0)), deleted] {
            let mut news = stream::iter([settled(2), reason, settled(3)]).chain(stream::pending()).boxed();
            reason_to_look(&mut news, id).await;
            assert!(news.next().now_or_never().is_none(), "what else had come is taken");
        }
        let mut news = stream::iter([settled(2)]).boxed();
        assert!(reason_to_look(&mut news, id).now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_store_that_fails_is_asked_again() {
        let asked = AtomicUsize::new(0);
        let answer = patiently(|| async {
            match asked.fetch_add(1, Ordering::SeqCst) {
                0 => Err(Error::unavailable("MongoDB", "down")),
                n => Ok(n),
            }
        });
        assert_eq!(answer.await, 1);
    }
}
