//! What a resolver may ask of its request: who is asking, the services, and what has been fetched already.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::{Context, QueryPathSegment};
use tokio::sync::{OnceCell, Semaphore};

use super::Result;
use crate::{
    config::LimitsConfig,
    error::{Error, Result as Answer},
    graphql::Caller,
    model::{Email, File, FileId, Timestamp, UserId},
    service::{Services, Viewer},
};

/// What every request works with.
pub struct Resources {
    /// The services.
    pub services: Services,
    /// What a request may ask for.
    pub limits: LimitsConfig,
    /// Of an image.
    pub max_pixels: u64,
}

pub fn resources<'a>(ctx: &Context<'a>) -> &'a Resources {
    ctx.data_unchecked()
}

pub fn services<'a>(ctx: &Context<'a>) -> &'a Services {
    &resources(ctx).services
}

pub fn caller<'a>(ctx: &Context<'a>) -> &'a Caller {
    ctx.data_unchecked()
}

/// Who is asking, if anybody known. Below a field that has signed somebody in, it is them.
pub fn viewer(ctx: &Context<'_>) -> Option<UserId> {
    let signed_in = ctx.data_unchecked::<Lookups>().signed_in.lock().unwrap_or_else(PoisonError::into_inner);
    let here = if signed_in.is_empty() { None } else { root_field(ctx).and_then(|root| signed_in.get(root).copied()) };
    here.or_else(|| caller(ctx).viewer.map(|viewer| viewer.user))
}

/// The field at the root has proven who is asking: what is selected below it is theirs to see.
pub fn sign_in(ctx: &Context<'_>, user: UserId) {
    if let Some(root) = root_field(ctx) {
        let mut signed_in = ctx.data_unchecked::<Lookups>().signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        signed_in.insert(root.to_owned(), user);
    }
}

/// The response key of the field at the root that is being resolved.
fn root_field<'a>(ctx: &Context<'a>) -> Option<&'a str> {
    let mut node = ctx.path_node.as_ref()?;
    while let Some(parent) = node.parent {
        node = parent;
    }
    match node.segment {
        QueryPathSegment::Name(name) => Some(name),
        QueryPathSegment::Index(_) => None,
    }
}

/// Who is asking; `UNAUTHENTICATED` when that is not known.
pub fn signed_in(ctx: &Context<'_>) -> Result<Viewer> {
    Ok(caller(ctx).viewer.ok_or(Error::Unauthenticated)?)
}

/// What is known of an account; its password hash stays behind.
pub struct Account {
    pub id: UserId,
    pub email: Email,
    pub created_at: Timestamp,
}

/// What one request has looked up: a page of files that all have one owner and one parent costs one look at each.
pub struct Lookups {
    users: Cache<UserId, Account>,
    /// `None` where files may change under way.
    files: Option<Cache<FileId, File>>,
    counting: Semaphore,
    /// Who was signed in by which field of the root.
    signed_in: Mutex<HashMap<String, UserId>>,
}

impl Lookups {
    /// Of a request that changes nothing.
    pub fn of_query() -> Self {
        Self { files: Some(Cache::default()), ..Self::of_changes() }
    }

    /// Of a request that changes files, or runs for long: what it shows of them is read anew each time.
    pub fn of_changes() -> Self {
        Self { users: Cache::default(), files: None, counting: Semaphore::new(1), signed_in: Mutex::default() }
    }
}

/// Counts something in the store: one count at a time in a request, so that one with many leaves room for others.
pub async fn count<T>(ctx: &Context<'_>, count: impl Future<Output = crate::error::Result<T>>) -> Answer<T> {
    let _turn = ctx.data_unchecked::<Lookups>().counting.acquire().await.map_err(Error::internal)?;
    count.await
}

/// Fetches an account, once.
pub async fn account(ctx: &Context<'_>, id: UserId) -> Answer<Option<Arc<Account>>> {
    let fetch = || async {
        let user = services(ctx).accounts.user(id).await?;
        Ok(user.map(|user| Arc::new(Account { id: user.id, email: user.email, created_at: user.created_at })))
    };
    ctx.data_unchecked::<Lookups>().users.get(id, fetch).await
}

/// Fetches a file of this owner, in a query once.
pub async fn own_file(ctx: &Context<'_>, owner: UserId, id: FileId) -> Answer<Option<Arc<File>>> {
    let fetch = || async { Ok(services(ctx).drive.own_file(owner, id).await?.map(Arc::new)) };
    let found = match &ctx.data_unchecked::<Lookups>().files {
        Some(cache) => cache.get(id, fetch).await?,
        None => fetch().await?,
    };
    Ok(found.filter(|file| file.owner == owner))
}

type Cell<V> = Arc<OnceCell<Option<Arc<V>>>>;

struct Cache<K, V>(Mutex<HashMap<K, Cell<V>>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Cache<K, V> {
    /// Those who ask for one key at the same time wait for one answer; a failure is not kept.
    async fn get<F>(&self, key: K, fetch: impl FnOnce() -> F) -> Answer<Option<Arc<V>>>
    where
        F: Future<Output = Answer<Option<Arc<V>>>>,
    {
        let cell = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        cell.get_or_try_init(fetch).await.cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_hundred_who_ask_for_one_thing_cost_one_look() {
        let (cache, looks) = (Cache::<u8, u8>::default(), AtomicUsize::new(0));
        let get = || {
            cache.get(1, || async {
                looks.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(Some(Arc::new(7)))
            })
        };
        let all = futures_util::future::try_join_all((0..100).map(|_| get())).await.unwrap();
        assert!(all.iter().all(|found| found.as_deref() == Some(&7)));
        assert_eq!(looks.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let cache = Cache::<u8, u8>::default();
        assert!(cache.get(1, || async { Err(Error::internal("down")) }).await.is_err());
        assert!(cache.get(1, || async { Ok(None) }).await.unwrap().is_none());
    }
}
