//! The names of all keys. Each follows `{prefix}:`; what belongs to something has `:` and its ID behind it.

/// `session:<session>`: a session as JSON, until it ends. String.
pub(super) const SESSION: &str = "session";
/// `sessions:<user>`: the user's sessions, by when they end (ms). Sorted set, until the last of them ends. It may name
/// sessions that are gone, and never lacks one that is there.
pub(super) const SESSIONS: &str = "sessions";

/// `tries:<counter>`: how many tries there were in the window, until it ends. String.
pub(super) const TRIES: &str = "tries";

/// `queue`: the jobs that wait for a worker, the next one on the left. List of `<image>:<generation>`.
pub(super) const QUEUE: &str = "queue";
/// `reserved`: the jobs that were taken from the queue. List.
pub(super) const RESERVED: &str = "reserved";
/// `jobs`: `<attempts>:<losses>` of each job that is queued, reserved or delayed. Hash; what it lacks does not exist.
pub(super) const JOBS: &str = "jobs";
/// `leases`: the reserved jobs, by when their lease ends (ms). Sorted set. One that was just taken is not in it yet.
pub(super) const LEASES: &str = "leases";
/// `holders`: the token of the worker that holds a job. Hash.
pub(super) const HOLDERS: &str = "holders";
/// `delayed`: the jobs that wait for their next attempt, by when it is due (ms). Sorted set.
pub(super) const DELAYED: &str = "delayed";
/// `buried`: the jobs that were given up on, by when (µs). Sorted set.
pub(super) const BURIED: &str = "buried";
/// `reasons`: why they were. Hash.
pub(super) const REASONS: &str = "reasons";

/// `events:<user>`: the channel with the news about a user's files, as JSON.
pub(super) const EVENTS: &str = "events";
