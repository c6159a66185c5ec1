//! The tests of Strongroom: every behaviour, on both back ends, against real servers.
#![allow(clippy::unwrap_used, missing_docs)]

mod contract;
mod mongo;
mod redis;
mod render;
mod support;
