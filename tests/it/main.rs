//! The tests of Strongroom: every behaviour, on both back ends, against real servers.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::format_push_string,
    clippy::items_after_statements,
    clippy::single_match_else,
    clippy::format_collect,
    clippy::similar_names,
    clippy::too_many_lines,
    missing_docs
)]

mod accounts;
mod batches;
mod blobs;
mod contract;
mod corpus;
mod doctor;
mod downloads;
mod drive;
mod faults;
mod hostile;
mod metrics;
mod mongo;
mod program;
mod redis;
mod renderers;
#[path = "../../crates/render/tests/samples/mod.rs"]
#[expect(dead_code, reason = "the tests of rendering need more of it")]
mod samples;
mod slow;
mod sockets;
mod streams;
mod support;
mod thumbnails;
mod transport;
mod uploads;
