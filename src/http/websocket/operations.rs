//! The operations that run on one socket.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

use async_graphql::Response;
use axum::extract::ws::{Message, Utf8Bytes};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream::BoxStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::message::ToClient;
use crate::{
    error::Error,
    http::{
        graphql::{failure, name_request},
        memory::Budget,
    },
};

/// How many messages may wait for the client to read. Operations stand still meanwhile.
const WAITING: usize = 16;

/// What one operation takes of how many there may be.
type Place = Arc<OwnedSemaphorePermit>;

/// Something that came of an operation.
#[derive(Debug)]
struct Event {
    id: String,
    /// Tells an operation from an earlier one of the same ID.
    number: u64,
    message: Counted,
    is_last: bool,
}

/// A message, and what it is written in, which is counted until it has been sent: the socket makes a copy.
#[derive(Debug)]
pub struct Counted {
    /// What to send.
    pub message: Message,
    _held: Bytes,
}

/// The running operations, by the ID that the client gave.
pub struct Operations {
    running: HashMap<String, Running>,
    places: Arc<Semaphore>,
    next_number: u64,
    sender: mpsc::Sender<Event>,
    events: mpsc::Receiver<Event>,
    scribe: Scribe,
}

struct Running {
    number: u64,
    _place: Place,
    _task: AbortOnDropHandle<()>,
}

impl Operations {
    /// None yet, and at most so many at once. Messages name this request, and are counted in this memory until sent.
    pub fn new(limit: usize, request_id: String, memory: Budget) -> Self {
        let (sender, events) = mpsc::channel(WAITING);
        let places = Arc::new(Semaphore::new(limit));
        Self { running: HashMap::new(), places, next_number: 0, sender, events, scribe: Scribe { request_id, memory } }
    }

    /// For one more, if there may be one.
    pub fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(Arc::new)
    }

    /// Whether one of this ID runs.
    pub fn contains(&self, id: &str) -> bool {
        self.running.contains_key(id)
    }

    /// Begins one.
    pub fn start(&mut self, id: String, place: Place, answers: BoxStream<'static, Response>) {
        let number = self.next_number;
        self.next_number += 1;
        let work = forward(answers, self.scribe.clone(), self.sender.clone(), id.clone(), number);
        let task = AbortOnDropHandle::new(tokio::spawn(work.in_current_span()));
        self.running.insert(id, Running { number, _place: place, _task: task });
    }

    /// Ends one, if it runs.
    pub fn cancel(&mut self, id: &str) {
        self.running.remove(id);
    }

    /// The next message to the client. Cancelling this call loses nothing.
    pub async fn next(&mut self) -> Counted {
        loop {
            let Some(event) = self.events.recv().await else {
                // We hold a sender ourselves.
                std::future::pending().await
            };
            // What a cancelled operation left behind is not sent.
            if self.running.get(&event.id).is_some_and(|running| running.number == event.number) {
                if event.is_last {
                    self.running.remove(&event.id);
                }
                return event.message;
            }
        }
    }
}

async fn forward(
    mut answers: BoxStream<'static, Response>,
    scribe: Scribe,
    sender: mpsc::Sender<Event>,
    id: String,
    number: u64,
) {
    let send = async |message, is_last| {
        // Nobody listens any more once the socket is gone; this task ends with it.
        let _ = sender.send(Event { id: id.clone(), number, message, is_last }).await;
    };
    let relayed = async {
        while let Some(answer) = answers.next().await {
            send(scribe.write(&id, answer).await, false).await;
        }
    };
    if AssertUnwindSafe(relayed).catch_unwind().await.is_err() {
        send(scribe.write(&id, failed(&Error::internal("an operation panicked"))).await, false).await;
    }
    send(Counted { message: ToClient::Complete { id: &id }.frame(), _held: Bytes::new() }, true).await;
}

fn failed(error: &Error) -> Response {
    error.log();
    Response::from_errors(vec![failure(error.code(), error.message())])
}

/// Writes messages of operations.
#[derive(Debug, Clone)]
struct Scribe {
    request_id: String,
    memory: Budget,
}

impl Scribe {
    async fn write(&self, id: &str, mut answer: Response) -> Counted {
        name_request(&mut answer.errors, &self.request_id);
        let written = self.memory.write(b"", &ToClient::Next { id, payload: &answer }, b"").await;
        drop(answer);
        let held = written.unwrap_or_else(|error| {
            let mut failed = failed(&error);
            name_request(&mut failed.errors, &self.request_id);
            ToClient::Next { id, payload: &failed }.text().into()
        });
        let text = Utf8Bytes::try_from(held.clone()).unwrap_or_default();
        Counted { message: Message::Text(text), _held: held }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use serde_json::{Value, json};

    use super::*;

    fn operations() -> Operations {
        Operations::new(2, "r1".to_owned(), Budget::new(1 << 20, 1 << 20))
    }

    async fn next(operations: &mut Operations) -> Value {
        let next = operations.next().await;
        serde_json::from_str(next.message.to_text().unwrap()).unwrap()
    }

    fn answer(data: i32) -> Value {
        json!({ "type": "next", "id": "a", "payload": { "data": data } })
    }

    fn end() -> Value {
        json!({ "type": "complete", "id": "a" })
    }

    #[tokio::test]
    async fn answers_come_in_order_and_then_the_end() {
        let mut operations = operations();
        let place = operations.place().unwrap();
        operations.start("a".to_owned(), place, stream::iter((0..40).map(Response::new)).boxed());
        for number in 0..40 {
            assert_eq!(next(&mut operations).await, answer(number));
        }
        assert_eq!(next(&mut operations).await, end());
        assert!(!operations.contains("a"));
    }

    #[tokio::test]
    async fn nothing_comes_of_a_cancelled_operation() {
        let mut operations = operations();
        let place = operations.place().unwrap();
        operations.start("a".to_owned(), place, stream::repeat_with(|| Response::new(1)).boxed());
        assert_eq!(next(&mut operations).await, answer(1));
        operations.cancel("a");
        assert!(!operations.contains("a"));
        let place = operations.place().unwrap();
        operations.start("a".to_owned(), place, stream::iter([Response::new(2)]).boxed());
        assert_eq!(next(&mut operations).await, answer(2));
        assert_eq!(next(&mut operations).await, end());
    }

    #[tokio::test]
    async fn cancelling_drops_the_stream_and_frees_its_place() {
        let mut operations = operations();
        let (first, _second) = (operations.place().unwrap(), operations.place().unwrap());
        assert!(operations.place().is_none());
        let (held, mut dropped) = mpsc::channel::<()>(1);
        let endless = stream::pending().map(move |(): ()| {
            let _ = &held;
            Response::new(1)
        });
        operations.start("a".to_owned(), first, endless.boxed());
        operations.cancel("a");
        assert!(operations.place().is_some());
        assert_eq!(dropped.recv().await, None);
    }

    #[tokio::test]
    async fn an_operation_that_panics_is_over() {
        let mut operations = operations();
        let place = operations.place().unwrap();
        operations.start("a".to_owned(), place, stream::once(async { panic!("an operation that panics") }).boxed());
        let message = next(&mut operations).await;
        let extensions = &message["payload"]["errors"][0]["extensions"];
        assert_eq!(*extensions, json!({ "code": "INTERNAL_SERVER_ERROR", "requestId": "r1" }));
        assert_eq!(next(&mut operations).await, end());
    }
}
