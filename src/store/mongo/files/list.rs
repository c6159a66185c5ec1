//! Lists: from a question to a query that starts at its place in an index and reads no further than the page.

use mongodb::bson::{Bson, Document, doc};

use super::{MongoFiles, hint, row::kind_text};
use crate::{
    error::Result,
    model::{
        Direction, File, FileFilter, FileKind, FileOrderField, FileScope, ListQuery, Position, SortKey, Usage, UserId,
    },
    store::mongo::{Key, MAX_TIME_EXPIRED, attempt, code, failed, indexes, key, limited},
};

/// How long counting may take before the answer is that nobody knows.
const COUNT_LIMIT: std::time::Duration = std::time::Duration::from_secs(2);

/// A query as MongoDB is asked it.
struct Find {
    filter: Document,
    sort: Document,
    index: &'static str,
    /// The part of the index that is read: from this inclusive to that exclusive. [`Find::filter`] draws the same
    /// bounds; alone it would have the server read all rows whose key is that of the bound.
    bounds: Option<(Document, Document)>,
}

/// The field that an order goes by.
fn field(order: FileOrderField) -> &'static str {
    match order {
        FileOrderField::CreatedAt => "created_at",
        FileOrderField::Name => "name_key",
        FileOrderField::Size => "size",
    }
}

fn index(scope: FileScope, order: FileOrderField) -> &'static str {
    match (scope, order) {
        (FileScope::Children { .. }, FileOrderField::CreatedAt) => indexes::IN_FOLDER_BY_CREATED,
        (FileScope::Children { .. }, FileOrderField::Name) => indexes::IN_FOLDER_BY_NAME,
        (FileScope::Children { .. }, FileOrderField::Size) => indexes::IN_FOLDER_BY_SIZE,
        (FileScope::Owned { .. }, FileOrderField::CreatedAt) => indexes::OWNED_BY_CREATED,
        (FileScope::Owned { .. }, FileOrderField::Name) => indexes::OWNED_BY_NAME,
        (FileScope::Owned { .. }, FileOrderField::Size) => indexes::OWNED_BY_SIZE,
    }
}

/// What all rows of a list have in common: the first keys of its indexes.
fn prefix(scope: FileScope) -> Document {
    match scope {
        FileScope::Children { owner, parent } => {
            doc! { "owner": key(owner.0), "parent": parent.map(|parent| key(parent.0)) }
        }
        FileScope::Owned { owner } => doc! { "owner": key(owner.0) },
    }
}

fn value(key: &SortKey) -> Bson {
    match key {
        SortKey::CreatedAt(at) => at.0.into(),
        SortKey::Name(name) => name.into(),
        SortKey::Size(size) => i64::try_from(*size).unwrap_or(i64::MAX).into(),
    }
}

/// The conditions for the rows of a list, before its page.
fn conditions(scope: FileScope, filter: &FileFilter, dead: &[Key]) -> Document {
    let mut all = prefix(scope);
    all.insert("live", true);
    if !dead.is_empty() {
        all.insert("parent", doc! { "$nin": dead });
    }
    if let Some(kinds) = &filter.kinds {
        all.insert("kind", doc! { "$in": kinds.iter().copied().map(kind_text).collect::<Vec<_>>() });
    }
    if let Some(is_public) = filter.is_public {
        all.insert("is_public", is_public);
    }
    if let Some(part) = &filter.name_contains {
        // Both are folded, so bytes can be compared; and there is nothing to escape.
        let found = doc! { "$indexOfBytes": ["$name_key", { "$literal": part }] };
        all.insert("$expr", doc! { "$gte": [found, 0] });
    }
    if let Some(status) = filter.thumbnail_status {
        all.insert("image.status", status);
    }
    if let Some(sha256) = &filter.sha256 {
        all.insert("content.sha256", sha256);
    }
    let mut created = Document::new();
    if let Some(after) = filter.created_after {
        created.insert("$gt", after.0);
    }
    if let Some(before) = filter.created_before {
        created.insert("$lt", before.0);
    }
    if !created.is_empty() {
        all.insert("created_at", created);
    }
    all
}

/// On the far side of a position: `$gt` or `$lt` it.
fn beyond(field: &str, side: &str, position: &Position) -> Document {
    let (value, id) = (value(&position.key), key(position.id.0));
    doc! { "$or": [
        { field: { side: value.clone() } },
        { field: value, "_id": { side: id } },
    ] }
}

/// The query for a page; `None` where nothing can be in it.
fn find(query: &ListQuery, dead: &[Key]) -> Option<Find> {
    let (page, order) = (&query.page, query.order);
    let field = field(order.field);
    // In ascending order: from `low` to `high`, both exclusive.
    let (low, high) = match order.direction {
        Direction::Asc => (&page.after, &page.before),
        Direction::Desc => (&page.before, &page.after),
    };
    if let (Some(low), Some(high)) = (low, high)
        && (&low.key, low.id) >= (&high.key, high.id)
    {
        return None;
    }
    let mut filter = conditions(query.scope, &query.filter, dead);
    let cuts =
        low.iter().map(|low| beyond(field, "$gt", low)).chain(high.iter().map(|high| beyond(field, "$lt", high)));
    let cuts: Vec<_> = cuts.collect();
    if !cuts.is_empty() {
        filter.insert("$and", cuts);
    }
    let direction = if (order.direction == Direction::Asc) == page.from_end { -1 } else { 1 };
    // The few rows of the same bytes are found by these, and then sorted.
    if query.filter.sha256.is_some() {
        let sort = doc! { field: direction, "_id": direction };
        return Some(Find { filter, sort, index: indexes::OWNED_BY_SHA256, bounds: None });
    }
    let prefix = prefix(query.scope);
    let mut sort: Document = prefix.keys().map(|key| (key.clone(), Bson::from(direction))).collect();
    sort.insert(field, direction);
    sort.insert("_id", direction);
    let bound = |position: &Option<Position>, open: Bson| {
        let (value, id) = position
            .as_ref()
            .map_or((open.clone(), open), |position| (value(&position.key), key(position.id.0).into()));
        let mut bound = prefix.clone();
        bound.insert(field, value);
        bound.insert("_id", id);
        bound
    };
    let bounds = (low.is_some() || high.is_some()).then(|| (bound(low, Bson::MinKey), bound(high, Bson::MaxKey)));
    Some(Find { filter, sort, index: index(query.scope, order.field), bounds })
}

/// Whether a filter holds for no file at all.
fn is_void(filter: &FileFilter) -> bool {
    filter.kinds.as_ref().is_some_and(Vec::is_empty)
}

impl MongoFiles {
    /// The dead folders to leave out of a list; `None` where the list is of a dead folder, and so empty.
    async fn dead_for(&self, scope: FileScope) -> Result<Option<Vec<Key>>> {
        match scope {
            FileScope::Owned { owner } => self.dead_folders(owner).await.map(Some),
            FileScope::Children { parent: None, .. } => Ok(Some(Vec::new())),
            FileScope::Children { owner, parent: Some(parent) } => {
                let folder = self.living_of(owner, parent).await?;
                Ok(folder.filter(|folder| folder.row.kind == FileKind::Folder).map(|_| Vec::new()))
            }
        }
    }

    pub(super) async fn page(&self, query: &ListQuery) -> Result<Vec<File>> {
        if query.page.limit == 0 || is_void(&query.filter) {
            return Ok(Vec::new());
        }
        let Some(dead) = self.dead_for(query.scope).await? else { return Ok(Vec::new()) };
        let Some(Find { filter, sort, index, bounds }) = find(query, &dead) else { return Ok(Vec::new()) };
        let mut find = self.rows.find(filter).sort(sort).hint(hint(index)).limit(limited(query.page.limit));
        if let Some((min, max)) = bounds {
            find = find.min(min).max(max);
        }
        let mut files = self.files(find).await?;
        if query.page.from_end {
            files.reverse();
        }
        Ok(files)
    }

    pub(super) async fn count_of(&self, scope: FileScope, filter: &FileFilter) -> Result<Option<u64>> {
        if is_void(filter) {
            return Ok(Some(0));
        }
        let Some(dead) = self.dead_for(scope).await? else { return Ok(Some(0)) };
        let index =
            if filter.sha256.is_some() { indexes::OWNED_BY_SHA256 } else { index(scope, FileOrderField::CreatedAt) };
        let count = self.rows.count_documents(conditions(scope, filter, &dead)).hint(hint(index)).max_time(COUNT_LIMIT);
        match attempt(count).await? {
            Ok(count) => Ok(Some(count)),
            Err(error) if code(&error) == Some(MAX_TIME_EXPIRED) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) async fn usage_of(&self, owner: UserId) -> Result<Usage> {
        let filter = FileFilter { kinds: Some(vec![FileKind::File, FileKind::Image]), ..FileFilter::default() };
        let dead = self.dead_folders(owner).await?;
        let sums = vec![
            doc! { "$match": conditions(FileScope::Owned { owner }, &filter, &dead) },
            doc! { "$group": { "_id": null, "file_count": { "$sum": 1_i64 }, "bytes": { "$sum": "$size" } } },
        ];
        let sums = self.aggregated(sums, Some(indexes::OWNED_BY_SIZE)).await?;
        let sum = |name| sums.first().and_then(|sums| sums.get_i64(name).ok()).and_then(|sum| u64::try_from(sum).ok());
        Ok(Usage { file_count: sum("file_count").unwrap_or(0), bytes: sum("bytes").unwrap_or(0) })
    }
}
