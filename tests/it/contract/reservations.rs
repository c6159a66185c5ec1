//! The promises of `Reservations`.

use std::{collections::HashSet, time::Duration};

use strongroom::{
    model::{BlobKey, FileId, ProcessId, Random, Timestamp},
    store::{Reservation, Reservations},
};

use super::stores::open;
use crate::support::Backend;

crate::on_both_back_ends!(
    a_note_is_read_as_it_was_written,
    notes_of_a_process_that_lives_are_left_alone,
    notes_of_a_process_that_never_said_it_lives_are_abandoned,
    a_process_that_lives_again_keeps_its_notes,
    a_process_never_finds_its_own_notes_abandoned,
    a_note_struck_out_is_gone_and_others_stay,
    striking_out_what_is_not_there_is_no_error,
    a_multipart_upload_is_noted_at_its_blob,
    abandoned_notes_come_a_limited_number_at_a_time,
    noted_blobs_are_told_from_others,
);

const START: Timestamp = Timestamp(4_102_444_800_000);

fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn process() -> ProcessId {
    ProcessId(Random::system().uuid())
}

fn note() -> Reservation {
    let random = Random::system();
    Reservation { blob: BlobKey(random.uuid()), file: FileId(random.uuid()), multipart: None }
}

/// Notes that `me` finds abandoned, in the order of their blobs.
async fn abandoned(reservations: &dyn Reservations, me: ProcessId, before: Timestamp) -> Vec<Reservation> {
    sorted(reservations.abandoned(me, before, 1000).await.unwrap())
}

fn sorted(mut notes: Vec<Reservation>) -> Vec<Reservation> {
    notes.sort_by_key(|note| note.blob);
    notes
}

async fn a_note_is_read_as_it_was_written(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let dead = process();
    let multipart = Reservation { multipart: Some("upload/1?=ü".to_owned()), ..note() };
    let notes = vec![note(), multipart, note()];
    reservations.beat(dead, START).await.unwrap();
    reservations.reserve(dead, &notes).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), at(60)).await, sorted(notes));
}

async fn notes_of_a_process_that_lives_are_left_alone(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let (living, dead) = (process(), process());
    reservations.beat(living, START).await.unwrap();
    reservations.beat(dead, START).await.unwrap();
    let lost = vec![note()];
    reservations.reserve(living, &[note(), note()]).await.unwrap();
    reservations.reserve(dead, &lost).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), at(0).minus(Duration::from_secs(1))).await, []);
    reservations.beat(living, at(90)).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), at(60)).await, lost);
}

async fn notes_of_a_process_that_never_said_it_lives_are_abandoned(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let lost = vec![note()];
    reservations.reserve(process(), &lost).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), START).await, lost);
}

async fn a_process_that_lives_again_keeps_its_notes(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let slow = process();
    let notes = vec![note()];
    reservations.beat(slow, START).await.unwrap();
    reservations.reserve(slow, &notes).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), at(60)).await, notes);
    reservations.beat(slow, at(61)).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), at(60)).await, []);
}

async fn a_process_never_finds_its_own_notes_abandoned(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let me = process();
    reservations.reserve(me, &[note()]).await.unwrap();
    assert_eq!(abandoned(&*reservations, me, at(60)).await, []);
    reservations.beat(me, START).await.unwrap();
    assert_eq!(abandoned(&*reservations, me, at(60)).await, []);
}

async fn a_note_struck_out_is_gone_and_others_stay(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let dead = process();
    let notes = [note(), note(), note(), note()];
    reservations.reserve(dead, &notes).await.unwrap();
    reservations.release(&[notes[0].blob, notes[2].blob]).await.unwrap();
    let left = sorted(vec![notes[1].clone(), notes[3].clone()]);
    assert_eq!(abandoned(&*reservations, process(), START).await, left);
}

async fn striking_out_what_is_not_there_is_no_error(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let kept = note();
    reservations.reserve(process(), std::slice::from_ref(&kept)).await.unwrap();
    let gone = note().blob;
    reservations.release(&[]).await.unwrap();
    reservations.release(&[gone]).await.unwrap();
    reservations.release(&[gone, gone]).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), START).await, [kept]);
}

async fn a_multipart_upload_is_noted_at_its_blob(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let (with, without) = (note(), note());
    reservations.reserve(process(), &[with.clone(), without.clone()]).await.unwrap();
    reservations.note_multipart(with.blob, "upload-7").await.unwrap();
    let noted = Reservation { multipart: Some("upload-7".to_owned()), ..with };
    assert_eq!(abandoned(&*reservations, process(), START).await, sorted(vec![noted, without]));
}

async fn abandoned_notes_come_a_limited_number_at_a_time(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let (living, me) = (process(), process());
    reservations.beat(living, at(100)).await.unwrap();
    let mut lost = HashSet::new();
    for _ in 0..5 {
        let notes = [note(), note()];
        lost.extend(notes.iter().map(|note| note.blob));
        reservations.reserve(process(), &notes).await.unwrap();
        reservations.reserve(living, &[note(), note()]).await.unwrap();
    }
    let mut cleared = HashSet::new();
    loop {
        let some = reservations.abandoned(me, at(60), 3).await.unwrap();
        assert!(some.len() <= 3);
        if some.is_empty() {
            break;
        }
        let blobs: Vec<_> = some.iter().map(|note| note.blob).collect();
        reservations.release(&blobs).await.unwrap();
        cleared.extend(blobs);
    }
    assert_eq!(cleared, lost);
}

async fn noted_blobs_are_told_from_others(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let notes = [note(), note(), note()];
    let [first, second, struck] = [0, 1, 2].map(|n| notes[n].blob);
    reservations.reserve(process(), &notes[..1]).await.unwrap();
    reservations.reserve(process(), &notes[1..]).await.unwrap();
    reservations.release(&[struck]).await.unwrap();
    let mut noted = reservations.noted(&[first, struck, note().blob, second]).await.unwrap();
    noted.sort();
    let mut expected = vec![first, second];
    expected.sort();
    assert_eq!(noted, expected);
    assert_eq!(reservations.noted(&[]).await.unwrap(), []);
}
