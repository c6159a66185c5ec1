//! The promises of `Reservations`.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use strongroom::{
    model::{BlobKey, FileId, ProcessId, Random},
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

/// However short ago a process was heard of, it is taken for dead.
const AT_ALL: Duration = Duration::ZERO;
/// Longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(3600);

fn process() -> ProcessId {
    ProcessId(Random::system().uuid())
}

fn note() -> Reservation {
    let random = Random::system();
    Reservation { blob: BlobKey(random.uuid()), file: FileId(random.uuid()), multipart: None }
}

/// Notes of processes silent for this long that `me` finds, in the order of their blobs.
async fn abandoned(reservations: &dyn Reservations, me: ProcessId, silent_for: Duration) -> Vec<Reservation> {
    sorted(reservations.abandoned(me, silent_for, 1000).await.unwrap())
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
    reservations.beat(dead).await.unwrap();
    reservations.reserve(dead, &notes).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), AT_ALL).await, sorted(notes));
}

async fn notes_of_a_process_that_lives_are_left_alone(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let living = process();
    reservations.beat(living).await.unwrap();
    reservations.reserve(living, &[note(), note()]).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), LONG).await, []);
}

async fn notes_of_a_process_that_never_said_it_lives_are_abandoned(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let lost = vec![note()];
    reservations.reserve(process(), &lost).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), AT_ALL).await, lost);
}

async fn a_process_that_lives_again_keeps_its_notes(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let (slow, silent, while_silent) = (process(), process(), Duration::from_millis(500));
    let notes = [vec![note()], vec![note()]];
    for (process, notes) in [(slow, &notes[0]), (silent, &notes[1])] {
        reservations.beat(process).await.unwrap();
        reservations.reserve(process, notes).await.unwrap();
    }
    let all = sorted(notes.concat());
    while abandoned(&*reservations, process(), while_silent).await != all {}
    loop {
        let begun = Instant::now();
        reservations.beat(slow).await.unwrap();
        let found = abandoned(&*reservations, process(), while_silent).await;
        // On a machine that is too busy it would rightly be taken for dead again.
        if begun.elapsed() < while_silent {
            assert_eq!(found, notes[1]);
            break;
        }
    }
}

async fn a_process_never_finds_its_own_notes_abandoned(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let me = process();
    reservations.reserve(me, &[note()]).await.unwrap();
    assert_eq!(abandoned(&*reservations, me, AT_ALL).await, []);
    reservations.beat(me).await.unwrap();
    assert_eq!(abandoned(&*reservations, me, AT_ALL).await, []);
}

async fn a_note_struck_out_is_gone_and_others_stay(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let dead = process();
    let notes = [note(), note(), note(), note()];
    reservations.reserve(dead, &notes).await.unwrap();
    reservations.release(&[notes[0].blob, notes[2].blob]).await.unwrap();
    let left = sorted(vec![notes[1].clone(), notes[3].clone()]);
    assert_eq!(abandoned(&*reservations, process(), AT_ALL).await, left);
}

async fn striking_out_what_is_not_there_is_no_error(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let kept = note();
    reservations.reserve(process(), std::slice::from_ref(&kept)).await.unwrap();
    let gone = note().blob;
    reservations.release(&[]).await.unwrap();
    reservations.release(&[gone]).await.unwrap();
    reservations.release(&[gone, gone]).await.unwrap();
    assert_eq!(abandoned(&*reservations, process(), AT_ALL).await, [kept]);
}

async fn a_multipart_upload_is_noted_at_its_blob(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let (with, without) = (note(), note());
    reservations.reserve(process(), &[with.clone(), without.clone()]).await.unwrap();
    reservations.note_multipart(with.blob, "upload-7").await.unwrap();
    let noted = Reservation { multipart: Some("upload-7".to_owned()), ..with };
    assert_eq!(abandoned(&*reservations, process(), AT_ALL).await, sorted(vec![noted, without]));
}

async fn abandoned_notes_come_a_limited_number_at_a_time(backend: Backend) {
    let reservations = open(backend).await.reservations;
    let me = process();
    let mut lost = HashSet::new();
    for _ in 0..5 {
        let notes = [note(), note()];
        lost.extend(notes.iter().map(|note| note.blob));
        reservations.reserve(process(), &notes).await.unwrap();
        reservations.reserve(me, &[note(), note()]).await.unwrap();
    }
    let mut cleared = HashSet::new();
    loop {
        let some = reservations.abandoned(me, AT_ALL, 3).await.unwrap();
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
