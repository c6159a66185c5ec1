//! Lists of files, page by page, in Relay's terms.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::{
    Result,
    enums::{FileKind, FileOrderField, OrderDirection, ThumbnailStatus},
    file::File,
    request::{count, services},
    scalar::{DateTime, int},
};
use crate::{
    model::{self, FileScope, fold_name},
    service::PageRequest,
};

/// Conditions that must all hold. Those left out hold for every file.
#[derive(InputObject)]
pub struct FileFilter {
    /// One of these. An empty list holds for no file.
    kinds: Option<Vec<FileKind>>,
    /// Public or private.
    is_public: Option<bool>,
    /// Part of the name, whatever its case.
    name_contains: Option<String>,
    /// For images: how far their thumbnails are.
    thumbnail_status: Option<ThumbnailStatus>,
    /// As `File.sha256`.
    sha256: Option<String>,
    /// Later than this instant.
    created_after: Option<DateTime>,
    /// Earlier than this instant.
    created_before: Option<DateTime>,
}

impl FileFilter {
    /// As the services take it.
    pub fn model(filter: Option<Self>) -> model::FileFilter {
        let Some(filter) = filter else { return model::FileFilter::default() };
        model::FileFilter {
            kinds: filter.kinds.map(distinct),
            is_public: filter.is_public,
            name_contains: filter.name_contains.map(|part| fold_name(&part)),
            thumbnail_status: filter.thumbnail_status.map(ThumbnailStatus::tag),
            sha256: filter.sha256.map(|digest| digest.to_ascii_lowercase()),
            created_after: filter.created_after.map(|DateTime(instant)| instant),
            created_before: filter.created_before.map(|DateTime(instant)| instant),
        }
    }
}

/// Each kind once, however often the client names it: a query takes only so many parameters.
fn distinct(named: Vec<FileKind>) -> Vec<model::FileKind> {
    let mut kinds = Vec::new();
    for kind in named.into_iter().map(Into::into) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// An order; ties are broken by ID. Null is the default order. Names are compared without regard to case; folders have
/// size 0.
#[derive(InputObject)]
pub struct FileOrder {
    /// By what.
    field: FileOrderField,
    /// Which end first.
    direction: OrderDirection,
}

/// The newest first.
#[allow(clippy::unnecessary_wraps, reason = "the default of a nullable argument")]
pub fn default_order() -> Option<FileOrder> {
    Some(FileOrder { field: FileOrderField::CreatedAt, direction: OrderDirection::Desc })
}

impl FileOrder {
    fn model(order: Option<Self>) -> model::FileOrder {
        let order =
            order.map(|order| model::FileOrder { field: order.field.into(), direction: order.direction.into() });
        order.unwrap_or_default()
    }
}

/// Fetches one page of a list.
pub async fn connection(
    ctx: &Context<'_>,
    scope: FileScope,
    filter: model::FileFilter,
    order: Option<FileOrder>,
    page: &PageRequest,
) -> Result<FileConnection> {
    let order = FileOrder::model(order);
    let page = services(ctx).drive.page(scope, filter.clone(), order, page).await?;
    let files = page.files.into_iter().map(Arc::new).collect();
    let (previous, next) = (page.has_previous_page, page.has_next_page);
    Ok(FileConnection { scope, filter, order, files, previous, next })
}

/// One page of a list, and which list that is.
pub struct FileConnection {
    scope: FileScope,
    filter: model::FileFilter,
    order: model::FileOrder,
    files: Vec<Arc<model::File>>,
    previous: bool,
    next: bool,
}

impl FileConnection {
    fn edge(&self, file: &Arc<model::File>) -> FileEdge {
        FileEdge { file: Arc::clone(file), order: self.order }
    }
}

/// One page of files.
#[Object]
impl FileConnection {
    /// Each file with its cursor.
    async fn edges(&self) -> Vec<FileEdge> {
        self.files.iter().map(|file| self.edge(file)).collect()
    }

    /// The nodes of the edges, for clients that need no cursor per row.
    async fn nodes(&self) -> Vec<File> {
        self.files.iter().map(|file| File::from(Arc::clone(file))).collect()
    }

    /// Where this page lies in the whole list.
    async fn page_info(&self, ctx: &Context<'_>) -> PageInfo {
        let cursor = |file: Option<&Arc<model::File>>| Some(services(ctx).drive.cursor(file?, self.order));
        PageInfo {
            has_previous_page: self.previous,
            has_next_page: self.next,
            start_cursor: cursor(self.files.first()),
            end_cursor: cursor(self.files.last()),
        }
    }

    /// How many files match in all pages together. Counted only when selected; null when counting would take too long.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        Ok(count(ctx, services(ctx).drive.count(self.scope, &self.filter)).await?.map(int))
    }
}

/// A file in an order.
pub struct FileEdge {
    file: Arc<model::File>,
    order: model::FileOrder,
}

/// A file and its place in the list.
#[Object]
impl FileEdge {
    /// The place, for `after` and `before`.
    async fn cursor(&self, ctx: &Context<'_>) -> String {
        services(ctx).drive.cursor(&self.file, self.order)
    }

    /// The file.
    async fn node(&self) -> File {
        File::from(Arc::clone(&self.file))
    }
}

/// Where a page lies in the whole list.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Whether there is more before it.
    has_previous_page: bool,
    /// Whether there is more after it.
    has_next_page: bool,
    /// Of its first file; null when the page is empty.
    start_cursor: Option<String>,
    /// Of its last file; null when the page is empty.
    end_cursor: Option<String>,
}
