//! The schema: what clients can ask, change and listen to. Doc comments here are the descriptions that clients read.

mod connection;
mod enums;
mod file;
mod mutation;
mod payload;
mod query;
mod request;
pub mod scalar;
mod subscription;
mod user;

use async_graphql::{SDLExportOptions, SchemaBuilder, TypeDirective};

pub use request::{Lookups, Resources};

use self::{mutation::Mutation, query::Query, subscription::Subscription};

/// What a resolver answers.
type Result<T, E = super::error::Failure> = std::result::Result<T, E>;

/// The schema.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema, without what its resolvers need.
pub fn build() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation::default(), Subscription)
}

/// The schema in SDL.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().include_specified_by().prefer_single_line_descriptions().use_space_ident();
    build().finish().sdl_with_options(options)
}

/// The field needs a signed-in viewer. Without one it fails with the code
/// `UNAUTHENTICATED`.
#[TypeDirective(location = "FieldDefinition")]
fn authenticated() {}
