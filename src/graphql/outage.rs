//! Mutations of one request run one after the other, and each would wait for itself for a back end that does not answer. So
//! once one has found a back end down, those behind it are not tried: the answer comes as soon as that of a single one.

use std::sync::{Arc, OnceLock};

use async_graphql::{
    ServerError, ServerResult, Value,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo},
};

use super::error::code_of;
use crate::error::ErrorCode;

/// The extension. async-graphql makes a [`Seen`] of it for each request.
pub struct Outage;

impl ExtensionFactory for Outage {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Seen::default())
    }
}

/// The first `SERVICE_UNAVAILABLE` of the request.
#[derive(Default)]
struct Seen(OnceLock<ServerError>);

#[async_trait::async_trait]
impl Extension for Seen {
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        if info.parent_type == "Mutation"
            && let Some(seen) = self.0.get()
        {
            let locations = vec![info.field.name.pos];
            return Err(ServerError { locations, path: Vec::new(), source: None, ..seen.clone() });
        }
        let resolved = next.run(ctx, info).await;
        if let Err(error) = &resolved
            && code_of(error) == Some(&Value::from(ErrorCode::ServiceUnavailable.as_str()))
        {
            // Set already: another field has seen it first.
            let _ = self.0.set(error.clone());
        }
        resolved
    }
}

#[cfg(test)]
#[allow(clippy::unused_async, clippy::unused_self, reason = "resolvers look like that")]
mod tests {
    use async_graphql::{EmptySubscription, Object, Schema};
    use serde_json::{Value as Json, json};

    use super::{
        super::{error::Failure, nulls::Nulls},
        *,
    };
    use crate::error::Error;

    struct Query;

    #[Object]
    impl Query {
        async fn down(&self) -> Result<Option<i32>, Failure> {
            Err(Error::unavailable("MongoDB", "down").into())
        }
        async fn good(&self) -> i32 {
            1
        }
    }

    struct Mutation;

    #[Object]
    impl Mutation {
        async fn down(&self) -> Result<Option<i32>, Failure> {
            Err(Error::unavailable("MongoDB", "down").into())
        }
        async fn wrong(&self) -> Result<Option<i32>, Failure> {
            Err(Error::Unauthenticated.into())
        }
        async fn good(&self) -> Option<i32> {
            Some(1)
        }
        async fn payload(&self) -> Option<Query> {
            Some(Query)
        }
    }

    async fn run(query: &str) -> (Json, Vec<Json>) {
        let schema = Schema::build(Query, Mutation, EmptySubscription).extension(Nulls).extension(Outage).finish();
        let response = schema.execute(query).await;
        let errors = response.errors.iter().map(|error| json!([error.path, error.locations[0].column]));
        (response.data.into_json().unwrap(), errors.collect())
    }

    #[tokio::test]
    async fn what_comes_behind_an_outage_is_not_tried() {
        let (data, errors) = run("mutation { a: good b: down c: good }").await;
        assert_eq!(data, json!({ "a": 1, "b": null, "c": null }));
        assert_eq!(errors, [json!([["b"], 20]), json!([["c"], 28])]);
    }

    #[tokio::test]
    async fn an_outage_within_a_payload_counts_too() {
        let (data, errors) = run("mutation { payload { down } good }").await;
        assert_eq!((data, errors.len()), (json!({ "payload": { "down": null }, "good": null }), 2));
    }

    #[tokio::test]
    async fn other_failures_stop_nothing_and_neither_do_outages_in_queries() {
        assert_eq!(run("mutation { wrong good }").await.0, json!({ "wrong": null, "good": 1 }));
        assert_eq!(run("{ down good }").await.0, json!({ "down": null, "good": 1 }));
    }
}
