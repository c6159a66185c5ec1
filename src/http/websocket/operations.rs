//! The operations that run on one socket.

use std::{collections::HashMap, panic::AssertUnwindSafe};

use async_graphql::Response;
use futures_util::{
    FutureExt as _, StreamExt as _,
    stream::{self, BoxStream},
};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::message::failure;
use crate::{
    error::Error,
    graphql::{Api, Caller, OperationKind, Prepared},
    http::graphql::to_the_end,
    shutdown::Shutdown,
};

/// How many answers may wait for the client to read. Operations stand still meanwhile.
const WAITING: usize = 16;

/// Something that came of an operation.
#[derive(Debug)]
pub struct Event {
    id: String,
    /// Tells an operation from an earlier one of the same ID.
    number: u64,
    /// `None`: it is over.
    answer: Option<Response>,
}

/// The running operations, by the ID that the client gave.
pub struct Operations {
    running: HashMap<String, Running>,
    next_number: u64,
    sender: mpsc::Sender<Event>,
    events: mpsc::Receiver<Event>,
}

struct Running {
    number: u64,
    _task: AbortOnDropHandle<()>,
}

impl Operations {
    /// None yet.
    pub fn new() -> Self {
        let (sender, events) = mpsc::channel(WAITING);
        Self { running: HashMap::new(), next_number: 0, sender, events }
    }

    /// How many run.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether one of this ID runs.
    pub fn contains(&self, id: &str) -> bool {
        self.running.contains_key(id)
    }

    /// Begins one.
    pub fn start(&mut self, id: String, stream: BoxStream<'static, Response>) {
        let number = self.next_number;
        self.next_number += 1;
        let work = forward(stream, self.sender.clone(), id.clone(), number);
        let task = AbortOnDropHandle::new(tokio::spawn(work.in_current_span()));
        self.running.insert(id, Running { number, _task: task });
    }

    /// Ends one, if it runs.
    pub fn cancel(&mut self, id: &str) {
        self.running.remove(id);
    }

    /// The next answer with the ID of its operation; `None` for one that is over. Cancelling this call loses nothing.
    pub async fn next(&mut self) -> (String, Option<Response>) {
        loop {
            let Some(event) = self.events.recv().await else {
                // We hold a sender ourselves.
                std::future::pending().await
            };
            // What a cancelled operation left behind is not sent.
            if self.running.get(&event.id).is_some_and(|running| running.number == event.number) {
                if event.answer.is_none() {
                    self.running.remove(&event.id);
                }
                return (event.id, event.answer);
            }
        }
    }
}

async fn forward(mut answers: BoxStream<'static, Response>, sender: mpsc::Sender<Event>, id: String, number: u64) {
    let send = async |answer| {
        // Nobody listens any more once the socket is gone; this task ends with it.
        let _ = sender.send(Event { id: id.clone(), number, answer }).await;
    };
    let relayed = async {
        while let Some(answer) = answers.next().await {
            send(Some(answer)).await;
        }
    };
    if AssertUnwindSafe(relayed).catch_unwind().await.is_err() {
        send(Some(panicked())).await;
    }
    send(None).await;
}

fn panicked() -> Response {
    let error = Error::internal("an operation panicked");
    error.log();
    Response::from_errors(vec![failure(error.code(), error.message())])
}

/// The answers of an operation. A mutation is executed to its end, whatever becomes of the socket.
pub fn answers(api: &Api, shutdown: &Shutdown, prepared: Prepared, caller: Caller) -> BoxStream<'static, Response> {
    if prepared.kind() != OperationKind::Mutation {
        return api.subscribe(prepared, caller);
    }
    let (api, shutdown) = (api.clone(), shutdown.clone());
    let executed = async move { to_the_end(&shutdown, async move { api.execute(prepared, caller).await }).await };
    stream::once(executed).map(|answer| answer.unwrap_or_else(panicked)).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_come_in_order_and_then_the_end() {
        let mut operations = Operations::new();
        let answers = (0..40).map(Response::new);
        operations.start("a".to_owned(), stream::iter(answers).boxed());
        for number in 0..40 {
            assert_eq!(operations.next().await, ("a".to_owned(), Some(Response::new(number))));
        }
        assert_eq!(operations.next().await, ("a".to_owned(), None));
        assert_eq!(operations.len(), 0);
    }

    #[tokio::test]
    async fn nothing_comes_of_a_cancelled_operation() {
        let mut operations = Operations::new();
        operations.start("a".to_owned(), stream::repeat_with(|| Response::new(1)).boxed());
        assert_eq!(operations.next().await.1, Some(Response::new(1)));
        operations.cancel("a");
        assert!(!operations.contains("a"));
        operations.start("a".to_owned(), stream::iter([Response::new(2)]).boxed());
        assert_eq!(operations.next().await, ("a".to_owned(), Some(Response::new(2))));
        assert_eq!(operations.next().await, ("a".to_owned(), None));
    }

    #[tokio::test]
    async fn cancelling_drops_the_stream() {
        let mut operations = Operations::new();
        let (held, mut dropped) = mpsc::channel::<()>(1);
        let endless = stream::pending().map(move |(): ()| {
            let _ = &held;
            Response::new(1)
        });
        operations.start("a".to_owned(), endless.boxed());
        operations.cancel("a");
        assert_eq!(dropped.recv().await, None);
    }

    #[tokio::test]
    async fn an_operation_that_panics_is_over() {
        let mut operations = Operations::new();
        operations.start("a".to_owned(), stream::once(async { panic!("an operation that panics") }).boxed());
        let (_, answer) = operations.next().await;
        let errors = answer.unwrap().errors;
        assert_eq!(errors[0].extensions.as_ref().unwrap().get("code"), Some(&"INTERNAL_SERVER_ERROR".into()));
        assert_eq!(operations.next().await, ("a".to_owned(), None));
    }
}
