//! The contract of the ports: every promise in `store`, held against every adapter.

mod events;
mod jobs;
mod sessions;
mod throttle;
