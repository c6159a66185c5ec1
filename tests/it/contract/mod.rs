//! The contract of the ports: every promise in `store`, held against every adapter.

mod events;
mod files;
mod jobs;
mod reservations;
mod sessions;
mod stores;
mod throttle;
mod users;
