//! Strongroom: a self-hosted file platform with a GraphQL API.
//!
//! `ARCHITECTURE.md` has the picture. Imports go one way: `cli -> app -> { http, graphql, thumbnails, service, store }`,
//! `http -> graphql -> service -> store -> model -> error`.

pub mod app;
pub mod cli;
pub mod config;
pub mod data_folder;
pub mod error;
pub mod graphql;
pub mod http;
pub mod model;
pub mod service;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod thumbnails;
