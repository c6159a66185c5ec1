//! The tests of Strongroom: every behaviour, on both back ends, against real servers.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::similar_names,
    clippy::too_many_lines,
    missing_docs
)]

mod accounts;
mod blobs;
mod contract;
mod downloads;
mod drive;
mod faults;
mod mongo;
mod program;
mod redis;
mod render;
mod sockets;
mod support;
mod thumbnails;
mod transport;
mod uploads;
