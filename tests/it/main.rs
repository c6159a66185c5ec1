//! The tests of Strongroom: every behaviour, on both back ends, against real servers.
#![allow(clippy::unwrap_used, missing_docs)]

mod accounts;
mod contract;
mod downloads;
mod drive;
mod mongo;
mod program;
mod redis;
mod render;
mod support;
mod thumbnails;
mod uploads;
