//! Lists of files, and how long they are.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, Row, Transaction, params_from_iter, types::Value};

use super::row;
use crate::model::{
    Direction, File, FileFilter, FileOrderField, FileScope, ListQuery, Position, SortKey, Usage, UserId,
};

/// How long counting may take before it is given up.
const COUNTING: Duration = Duration::from_secs(2);

/// A page of living files.
pub(super) fn page(transaction: &Transaction<'_>, query: &ListQuery) -> rusqlite::Result<Vec<File>> {
    if lets_nothing_through(&query.filter) {
        return Ok(Vec::new());
    }
    let (tail, values) = page_sql(query);
    let mut files = row::select(transaction, &tail, params_from_iter(values))?;
    if query.page.from_end {
        files.reverse();
    }
    Ok(files)
}

/// How many living files match; `None` when counting takes too long.
pub(super) fn count(
    transaction: &Transaction<'_>,
    scope: FileScope,
    filter: &FileFilter,
) -> rusqlite::Result<Option<u64>> {
    if lets_nothing_through(filter) {
        return Ok(Some(0));
    }
    let (sql, values) = count_sql(scope, filter);
    within(transaction, COUNTING, || {
        transaction.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))
    })
}

/// What an owner stores.
pub(super) fn usage(transaction: &Transaction<'_>, owner: UserId) -> rusqlite::Result<Usage> {
    let read = |row: &Row<'_>| Ok(Usage { file_count: row.get(0)?, bytes: row.get(1)? });
    transaction.prepare_cached(USAGE)?.query_row([owner.0.into_bytes()], read)
}

const USAGE: &str = "SELECT count(*), coalesce(sum(size), 0) FROM files INDEXED BY files_of_owner_by_size
    WHERE owner = ?1 AND deleted_at IS NULL AND kind <> 'FOLDER'";

/// `IN ()` is false for every row, and a query that is false has no use for the index it is told to use: an error.
fn lets_nothing_through(filter: &FileFilter) -> bool {
    filter.kinds.as_ref().is_some_and(Vec::is_empty)
}

/// What follows `FROM files`, and its parameters.
fn page_sql(query: &ListQuery) -> (String, Vec<Value>) {
    let mut conditions = Conditions::of(query.scope, &query.filter);
    let column = column(query.order.field);
    let ascending = query.order.direction == Direction::Asc;
    // Row values are compared by their first difference, which is what the order and its tie-break do.
    let (later, earlier) = if ascending { (">", "<") } else { ("<", ">") };
    for (bound, side) in [(&query.page.after, later), (&query.page.before, earlier)] {
        if let Some(Position { key, id }) = bound {
            let key = match key {
                SortKey::CreatedAt(at) => Value::from(at.0),
                SortKey::Name(name) => Value::from(name.clone()),
                SortKey::Size(size) => Value::from(i64::try_from(*size).unwrap_or(i64::MAX)),
            };
            conditions.add(&format!("({column}, id) {side} (?, ?)"), [key, bytes(id.0)]);
        }
    }
    let Conditions { sql, mut values } = conditions;
    let index = index(query.scope, &query.filter, query.order.field);
    let way = if ascending == query.page.from_end { "DESC" } else { "ASC" };
    values.push(Value::from(i64::try_from(query.page.limit).unwrap_or(i64::MAX)));
    (format!("INDEXED BY {index} WHERE {sql} ORDER BY {column} {way}, id {way} LIMIT ?"), values)
}

fn count_sql(scope: FileScope, filter: &FileFilter) -> (String, Vec<Value>) {
    let Conditions { sql, values } = Conditions::of(scope, filter);
    let index = index(scope, filter, FileOrderField::CreatedAt);
    (format!("SELECT count(*) FROM files INDEXED BY {index} WHERE {sql}"), values)
}

/// The index whose order the list has, so that a page costs what the page costs; the planner may think otherwise when
/// a filter looks selective. Files of one hash are few: they are sorted.
fn index(scope: FileScope, filter: &FileFilter, field: FileOrderField) -> String {
    match scope {
        _ if filter.sha256.is_some() => "files_of_owner_by_sha256".to_owned(),
        FileScope::Children { .. } => format!("files_in_folder_by_{}", column(field)),
        FileScope::Owned { .. } => format!("files_of_owner_by_{}", column(field)),
    }
}

fn column(field: FileOrderField) -> &'static str {
    match field {
        FileOrderField::CreatedAt => "created_at",
        FileOrderField::Name => "name_key",
        FileOrderField::Size => "size",
    }
}

fn bytes(id: uuid::Uuid) -> Value {
    Value::Blob(id.into_bytes().to_vec())
}

/// A `WHERE` clause and its parameters.
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn of(scope: FileScope, filter: &FileFilter) -> Self {
        let mut conditions = Self { sql: "deleted_at IS NULL".to_owned(), values: Vec::new() };
        conditions.add("owner = ?", [bytes(scope.owner().0)]);
        if let FileScope::Children { parent, .. } = scope {
            conditions.add("parent IS ?", [parent.map_or(Value::Null, |parent| bytes(parent.0))]);
        }
        let FileFilter { kinds, is_public, name_contains, thumbnail_status, sha256, created_after, created_before } =
            filter;
        if let Some(kinds) = kinds {
            let marks = vec!["?"; kinds.len()].join(", ");
            conditions.add(
                &format!("kind IN ({marks})"),
                kinds.iter().map(|kind| Value::from(row::kind_text(*kind).to_owned())),
            );
        }
        if let Some(is_public) = is_public {
            conditions.add("is_public = ?", [Value::from(*is_public)]);
        }
        if let Some(part) = name_contains {
            conditions.add("instr(name_key, ?) > 0", [Value::from(part.clone())]);
        }
        if let Some(status) = thumbnail_status {
            conditions.add("thumbnail_status = ?", [Value::from((*status).to_owned())]);
        }
        if let Some(sha256) = sha256 {
            conditions.add("sha256 = ?", [Value::from(sha256.clone())]);
        }
        if let Some(after) = created_after {
            conditions.add("created_at > ?", [Value::from(after.0)]);
        }
        if let Some(before) = created_before {
            conditions.add("created_at < ?", [Value::from(before.0)]);
        }
        conditions
    }

    fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }
}

/// Runs a query, and interrupts it when it takes longer than this: `None`. To be called on a thread of the runtime.
fn within<T>(
    connection: &Connection,
    limit: Duration,
    query: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let alarm = Arc::new(Mutex::new(Some(connection.get_interrupt_handle())));
    let ringing = Arc::clone(&alarm);
    let timer = tokio::spawn(async move {
        tokio::time::sleep(limit).await;
        if let Some(running) = &*ringing.lock().unwrap_or_else(PoisonError::into_inner) {
            running.interrupt();
        }
    });
    let answer = query();
    // Once this is empty, the alarm cannot hit what the connection runs next.
    alarm.lock().unwrap_or_else(PoisonError::into_inner).take();
    timer.abort();
    match answer {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(None),
        answer => answer.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{super::super::failed, *};
    use crate::{
        model::{FileId, FileKind, FileOrder, Page, Timestamp},
        store::sqlite::Sqlite,
    };

    fn open() -> (tempfile::TempDir, Sqlite) {
        let dir = tempfile::tempdir().unwrap();
        let database = Sqlite::open(&dir.path().join("test.db")).unwrap();
        (dir, database)
    }

    /// Every list there is, but for the filter.
    fn lists() -> Vec<ListQuery> {
        let owner = UserId(Uuid::from_u128(1));
        let scopes = [
            FileScope::Children { owner, parent: None },
            FileScope::Children { owner, parent: Some(FileId(Uuid::from_u128(2))) },
            FileScope::Owned { owner },
        ];
        let keys = [
            (FileOrderField::CreatedAt, SortKey::CreatedAt(Timestamp(3))),
            (FileOrderField::Name, SortKey::Name("n".to_owned())),
            (FileOrderField::Size, SortKey::Size(3)),
        ];
        let mut lists = Vec::new();
        for scope in scopes {
            for (field, key) in &keys {
                for direction in [Direction::Asc, Direction::Desc] {
                    for bounds in 0..8 {
                        let position = Position { key: key.clone(), id: FileId(Uuid::from_u128(4)) };
                        let page = Page {
                            after: (bounds & 1 != 0).then(|| position.clone()),
                            before: (bounds & 2 != 0).then_some(position),
                            limit: 20,
                            from_end: bounds & 4 != 0,
                        };
                        let order = FileOrder { field: *field, direction };
                        lists.push(ListQuery { scope, filter: FileFilter::default(), order, page });
                    }
                }
            }
        }
        lists
    }

    fn plan(transaction: &Transaction<'_>, sql: &str, values: Vec<Value>) -> String {
        let mut explain = transaction.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = explain.query_map(params_from_iter(values), |row| row.get::<_, String>("detail")).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }

    fn page_plan(transaction: &Transaction<'_>, query: &ListQuery) -> String {
        let (tail, values) = page_sql(query);
        plan(transaction, &format!("SELECT {} FROM files {tail}", row::COLUMNS), values)
    }

    #[tokio::test]
    async fn every_list_is_read_in_the_order_of_an_index_from_where_the_page_begins() {
        let (_dir, database) = open();
        database
            .read(|transaction| {
                for mut query in lists() {
                    let sought = page_plan(transaction, &query);
                    assert!(!sought.contains("TEMP B-TREE"), "{query:?}\n{sought}");
                    assert!(sought.starts_with("SEARCH files USING INDEX"), "{query:?}\n{sought}");
                    let key = format!("({},id)", column(query.order.field));
                    for (bound, side) in [(&query.page.after, '>'), (&query.page.before, '<')] {
                        let side = if (query.order.direction == Direction::Asc) == (side == '>') { '>' } else { '<' };
                        assert_eq!(
                            bound.is_some(),
                            sought.contains(&format!("{key}{side}(?,?)")),
                            "{query:?}\n{sought}"
                        );
                    }
                    query.filter = FileFilter {
                        kinds: Some(vec![FileKind::File, FileKind::Image]),
                        is_public: Some(true),
                        name_contains: Some("n".to_owned()),
                        thumbnail_status: Some("READY"),
                        sha256: None,
                        created_after: Some(Timestamp(1)),
                        created_before: Some(Timestamp(9)),
                    };
                    let filtered = page_plan(transaction, &query);
                    assert!(!filtered.contains("TEMP B-TREE"), "{query:?}\n{filtered}");
                }
                Ok(())
            })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn files_of_one_hash_are_found_by_it() {
        let (_dir, database) = open();
        database
            .read(|transaction| {
                for mut query in lists() {
                    query.filter.sha256 = Some("00".to_owned());
                    let plan = page_plan(transaction, &query);
                    assert!(plan.contains("files_of_owner_by_sha256 (owner=? AND sha256=?)"), "{plan}");
                }
                Ok(())
            })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn what_is_not_filtered_is_counted_without_a_look_at_the_rows() {
        let (_dir, database) = open();
        database
            .read(|transaction| {
                for query in lists() {
                    let (sql, values) = count_sql(query.scope, &query.filter);
                    let plan = plan(transaction, &sql, values);
                    assert!(plan.starts_with("SEARCH files USING COVERING INDEX"), "{plan}");
                }
                let plan = plan(transaction, USAGE, vec![bytes(Uuid::nil())]);
                assert!(plan.starts_with("SEARCH files USING COVERING INDEX"), "{plan}");
                Ok(())
            })
            .await
            .unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_query_that_takes_too_long_is_given_up_and_the_connection_works_on() {
        let (_dir, database) = open();
        let endless = "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n";
        let (endless, quick) = database
            .read(move |transaction| {
                let run = |sql: &str, limit| {
                    within(transaction, limit, || transaction.query_row(sql, [], |row| row.get::<_, u64>(0)))
                };
                let endless = run(endless, Duration::from_millis(50)).map_err(failed)?;
                Ok((endless, run("SELECT 7", Duration::from_secs(60)).map_err(failed)?))
            })
            .await
            .unwrap();
        assert_eq!((endless, quick), (None, Some(7)));
    }
}
