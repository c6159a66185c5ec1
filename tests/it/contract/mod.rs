//! The contract of the ports: every promise in `store`, held against every adapter.

mod files;
mod reservations;
mod stores;
mod users;
mod events;
mod jobs;
mod sessions;
mod throttle;
