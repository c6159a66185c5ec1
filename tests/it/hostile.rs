//! Bad input of every kind against the built program: the right answer, soon, and the next request is served as if
//! nothing had happened.
//!
//! A table for each topic (see [`case`]) goes through one program, which has to be the same one, undamaged, in the end.

mod batches;
mod bodies;
mod case;
mod documents;
mod downloads;
mod frames;
mod multipart;
mod origins;
mod production;
mod requests;
mod run;
mod sockets;
mod values;
mod wire;
mod world;

use self::{case::Case, world::World};
use crate::support::Backend;

async fn bad_input_gets_the_right_answer_and_harms_nobody(backend: Backend) {
    let world = World::new(backend, &[]).await;
    let tables = [
        documents::cases(&world),
        bodies::cases(&world),
        requests::cases(&world),
        multipart::cases(&world),
        values::cases(&world),
        sockets::cases(&world),
        downloads::cases(&world),
    ];
    let mut wrong = run_all(&world, &tables).await;
    wrong.extend(downloads::differences(&world).await);
    wrong.extend(world.damage().await);
    report(&wrong);
}

async fn bad_batches_get_the_right_answer_and_harm_nobody(backend: Backend) {
    let world = World::new(backend, batches::SETTINGS).await;
    let mut wrong = run_all(&world, &[batches::cases(&world)]).await;
    wrong.extend(world.damage().await);
    report(&wrong);
}

async fn run_all(world: &World, tables: &[Vec<Case>]) -> Vec<String> {
    let mut wrong = Vec::new();
    for cases in tables {
        let begun = std::time::Instant::now();
        let (failures, slowest) = run::run(world, cases).await;
        let topic = cases[0].name.split(':').next().unwrap_or_default();
        println!("from {topic:?} on: {} cases in {:.1?}, the slowest {slowest:.2?}", cases.len(), begun.elapsed());
        wrong.extend(failures);
    }
    wrong
}

fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} things went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

crate::on_both_back_ends!(
    bad_input_gets_the_right_answer_and_harms_nobody,
    bad_batches_get_the_right_answer_and_harm_nobody,
);
