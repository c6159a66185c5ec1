//! Nulls as the specification wants them (section 6.4.4): a field that fails is null where it may be, and otherwise
//! takes its parent with it, up to the nearest one that may be null; its siblings stay.
//!
//! Left alone, async-graphql 8 hands the failure of a nullable field to its parent when the resolver is a
//! `Result<Option<T>>`, or when an argument does not fit; and it replaces the path of an error below a list by that
//! of the item. This extension stands around every field and mends both.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{
    PathSegment, QueryPathNode, QueryPathSegment, Response, ServerError, ServerResult, Value,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, ResolveInfo},
};

/// The extension. async-graphql makes a [`Failures`] of it for each request.
pub struct Nulls;

impl ExtensionFactory for Nulls {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Failures::default())
    }
}

/// The failures of nullable fields in one request, until the answer is ready.
#[derive(Default)]
struct Failures(Mutex<Vec<ServerError>>);

/// Where an error happened: carried in [`ServerError::source`], which nothing on the way up rewrites.
struct Place(Vec<PathSegment>);

#[async_trait::async_trait]
impl Extension for Failures {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut response = next.run(ctx, operation_name).await;
        response.errors.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for error in &mut response.errors {
            if let Some(Place(path)) = error.source::<Place>() {
                error.path = path.clone();
            }
        }
        response
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let node = info.path_node;
        let may_be_null = !info.return_type.ends_with('!');
        let mut error = match next.run(ctx, info).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if error.source::<Place>().is_none() {
            error.source = Some(Arc::new(Place(path(node))));
        }
        if !may_be_null {
            return Err(error);
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        Ok(Some(Value::Null))
    }
}

fn path(node: &QueryPathNode<'_>) -> Vec<PathSegment> {
    let segment = |segment: &QueryPathSegment<'_>| match segment {
        QueryPathSegment::Name(name) => PathSegment::Field((*name).to_owned()),
        QueryPathSegment::Index(index) => PathSegment::Index(*index),
    };
    let mut path: Vec<_> = node.parents().map(|parent| segment(&parent.segment)).collect();
    path.reverse();
    path.push(segment(&node.segment));
    path
}

#[cfg(test)]
#[allow(clippy::unused_async, clippy::unused_self, clippy::unnecessary_wraps, reason = "resolvers look like that")]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
    use serde_json::{Value as Json, json};

    use super::{super::error::Failure, *};
    use crate::error::Error;

    type Result<T> = std::result::Result<T, Failure>;

    fn fail<T>() -> Result<T> {
        Err(Error::Unauthenticated.into())
    }

    struct Query;

    #[Object]
    impl Query {
        fn good(&self) -> i32 {
            1
        }
        async fn bad(&self) -> Result<Option<i32>> {
            fail()
        }
        async fn item(&self) -> Result<Option<Item>> {
            Ok(Some(Item))
        }
        async fn items(&self) -> Option<Vec<Item>> {
            Some(vec![Item, Item])
        }
        fn holes(&self) -> Vec<Option<Item>> {
            vec![Some(Item), Some(Item)]
        }
        async fn takes(&self, #[graphql(default = 3600)] number: i32) -> Option<i32> {
            Some(number)
        }
    }

    #[derive(Clone)]
    struct Item;

    #[Object]
    impl Item {
        fn id(&self) -> i32 {
            7
        }
        async fn leaf(&self) -> Result<Option<i32>> {
            fail()
        }
        async fn firm(&self) -> Result<i32> {
            fail()
        }
        fn below(&self) -> Item {
            Item
        }
        async fn takes(&self, number: i32) -> Option<i32> {
            Some(number)
        }
    }

    async fn run(query: &str) -> (Json, Vec<Json>) {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).extension(Nulls).finish();
        let response = schema.execute(query).await;
        let paths = response.errors.iter().map(|error| serde_json::to_value(&error.path).unwrap()).collect();
        (response.data.into_json().unwrap(), paths)
    }

    #[tokio::test]
    async fn a_nullable_root_field_that_fails_keeps_its_siblings() {
        let (data, paths) = run("{ good bad after: good }").await;
        assert_eq!(data, json!({"good": 1, "bad": null, "after": 1}));
        assert_eq!(paths, [json!(["bad"])]);
    }

    #[tokio::test]
    async fn a_nullable_leaf_that_fails_keeps_its_siblings() {
        let (data, paths) = run("{ item { id leaf } }").await;
        assert_eq!(data, json!({"item": {"id": 7, "leaf": null}}));
        assert_eq!(paths, [json!(["item", "leaf"])]);
    }

    #[tokio::test]
    async fn a_leaf_that_must_not_be_null_takes_its_nearest_nullable_parent() {
        let (data, paths) = run("{ good item { below { firm } } }").await;
        assert_eq!(data, json!({"good": 1, "item": null}));
        assert_eq!(paths, [json!(["item", "below", "firm"])]);
    }

    #[tokio::test]
    async fn a_list_of_items_that_must_not_be_null_goes_as_a_whole() {
        let (data, paths) = run("{ good items { id firm } }").await;
        assert_eq!(data, json!({"good": 1, "items": null}));
        assert_eq!(paths[0], json!(["items", 0, "firm"]));
    }

    #[tokio::test]
    async fn an_item_that_may_be_null_goes_alone() {
        let (data, paths) = run("{ holes { id } broken: holes { firm } }").await;
        assert_eq!(data, json!({"holes": [{"id": 7}, {"id": 7}], "broken": [null, null]}));
        assert_eq!(paths, [json!(["broken", 0, "firm"]), json!(["broken", 1, "firm"])]);
    }

    #[tokio::test]
    async fn of_two_aliases_one_may_fail() {
        let (data, paths) = run("{ a: item { id } b: item { firm } }").await;
        assert_eq!(data, json!({"a": {"id": 7}, "b": null}));
        assert_eq!(paths, [json!(["b", "firm"])]);
    }

    #[tokio::test]
    async fn an_argument_that_does_not_fit_fails_its_field_alone() {
        let (data, paths) = run("query ($n: Int = 5) { good item { id takes(number: $n) } }").await;
        assert_eq!((data, paths.len()), (json!({"good": 1, "item": {"id": 7, "takes": 5}}), 0));
        let request = async_graphql::Request::new("query ($n: Int = 5) { good item { id takes(number: $n) } }")
            .variables(async_graphql::Variables::from_json(json!({"n": null})));
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .validation_mode(async_graphql::ValidationMode::Fast)
            .extension(Nulls)
            .finish();
        let response = schema.execute(request).await;
        assert_eq!(response.data.into_json().unwrap(), json!({"good": 1, "item": {"id": 7, "takes": null}}));
        assert_eq!(serde_json::to_value(&response.errors[0].path).unwrap(), json!(["item", "takes"]));
    }
}
