//! The processes that render, with the real binary.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use futures_util::{FutureExt, StreamExt};
use image::{ImageFormat, RgbImage};
use strongroom::error::{Error, Result};
use strongroom::thumbnails::pool::{Outcome, RenderOptions, Renderers};
use strongroom_render::{RenderLimits, render};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::samples::{encode, photograph, png, quadrants, zlib};

/// A pool whose processes can be told from those of others by the memory they are allowed.
struct Pool {
    renderers: Renderers,
    memory: u64,
}

impl Pool {
    fn with(slots: usize, options: RenderOptions) -> Self {
        static DISTINCT: AtomicU64 = AtomicU64::new(0);
        let memory = options.memory + DISTINCT.fetch_add(1, Ordering::Relaxed);
        let program = PathBuf::from(env!("CARGO_BIN_EXE_strongroom"));
        Self { renderers: Renderers::new(program, slots, RenderOptions { memory, ..options }), memory }
    }

    fn new(slots: usize) -> Self {
        // Generous: the machine that runs the tests is busy.
        Self::with(slots, RenderOptions { deadline: Duration::from_secs(60), ..RenderOptions::default() })
    }

    async fn render(&self, bytes: &[u8]) -> Result<Outcome> {
        self.renderers.render(pieces(bytes), bytes.len() as u64).await
    }

    async fn assert_works(&self) {
        let outcome = self.render(&small()).await.unwrap();
        assert!(matches!(outcome, Outcome::Rendered(_)), "{outcome:?}");
    }

    /// The processes of this pool that live.
    fn processes(&self) -> BTreeSet<u32> {
        let command_line = format!("\0render\0{}\0", self.memory);
        let processes =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        processes
            .filter(|id: &u32| {
                fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.ends_with(&command_line))
            })
            .collect()
    }

    /// The one process of this pool. A process that has just been started has no command line yet.
    async fn process(&self) -> u32 {
        let seen = async {
            loop {
                if let Some(process) = self.processes().pop_first() {
                    break process;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(10), seen).await.expect("there is no process")
    }

    async fn until_no_process_lives(&self) {
        let gone = async {
            while !self.processes().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(10), gone).await.expect("a process lives on");
    }
}

fn small() -> Vec<u8> {
    encode(quadrants(300, 200), ImageFormat::Jpeg)
}

/// Takes a second or more to render.
fn slow() -> Vec<u8> {
    encode(RgbImage::new(8_000, 7_500), ImageFormat::Png)
}

fn pieces(bytes: &[u8]) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    let pieces: Vec<_> = bytes.chunks(50_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

/// The bytes, and a signal once they have all been taken.
fn announced(bytes: &[u8]) -> (impl Stream<Item = Result<Bytes>> + Send + 'static, oneshot::Receiver<()>) {
    let (taken, signal) = oneshot::channel();
    let end = async move {
        taken.send(()).ok();
        Ok(Bytes::new())
    };
    (pieces(bytes).chain(end.into_stream()), signal)
}

fn kill(process: u32) {
    assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn a_process_renders_what_the_function_renders() {
    let pool = Pool::new(1);
    for bytes in [
        small(),
        encode(photograph(1_000, 700), ImageFormat::Png),
        encode(image::RgbaImage::new(600, 9), ImageFormat::Png),
    ] {
        let expected = render(&bytes, &RenderLimits::default(), &[100, 250, 500]).unwrap();
        assert_eq!(pool.render(&bytes).await.unwrap(), Outcome::Rendered(expected));
    }
}

#[tokio::test]
async fn damage_is_told_and_costs_no_process() {
    let pool = Pool::new(1);
    pool.assert_works().await;
    let before = pool.processes();
    let png = encode(photograph(400, 300), ImageFormat::Png);
    let outcome = pool.render(&png[..png.len() / 2]).await.unwrap();
    assert_eq!(outcome, Outcome::Damaged("The image is damaged: its data ends too early.".to_owned()));
    assert!(matches!(pool.render(b"").await.unwrap(), Outcome::Damaged(_)));
    pool.assert_works().await;
    assert_eq!((pool.processes(), before.len()), (before, 1));
}

#[tokio::test]
async fn ten_at_once_share_two_processes() {
    let pool = Pool::new(2);
    let bytes = small();
    let outcomes = futures_util::future::join_all((0..10).map(|_| pool.render(&bytes))).await;
    assert!(outcomes.into_iter().all(|outcome| matches!(outcome, Ok(Outcome::Rendered(_)))));
    assert_eq!(pool.processes().len(), 2);
}

#[tokio::test]
async fn a_process_is_replaced_now_and_then() {
    let pool = Pool::new(1);
    let bytes = encode(quadrants(1, 1), ImageFormat::Png);
    pool.assert_works().await;
    let first = pool.process().await;
    for _ in 0..500 {
        assert!(matches!(pool.render(&bytes).await.unwrap(), Outcome::Rendered(_)));
    }
    assert!(!pool.processes().contains(&first));
    pool.assert_works().await;
}

#[tokio::test]
async fn a_source_that_fails_is_not_the_fault_of_the_image() {
    let pool = Pool::new(1);
    let bytes = small();
    let broken = pieces(&bytes[..1_000]).chain(stream::iter([Err(Error::unavailable("the blob store", "gone"))]));
    let outcome = pool.renderers.render(broken, bytes.len() as u64).await;
    assert!(matches!(outcome, Err(Error::Unavailable { what: "the blob store", .. })), "{outcome:?}");
    pool.assert_works().await;
}

#[tokio::test]
async fn a_source_of_another_length_is_refused() {
    let pool = Pool::new(1);
    let bytes = small();
    for length in [bytes.len() - 1, bytes.len() + 1] {
        let outcome = pool.renderers.render(pieces(&bytes), length as u64).await;
        assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
        pool.assert_works().await;
    }
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_renders_is_replaced() {
    let pool = Pool::new(1);
    let bytes = slow();
    let (source, sent) = announced(&bytes);
    let killing = async {
        sent.await.unwrap();
        kill(pool.process().await);
    };
    let (outcome, ()) = tokio::join!(pool.renderers.render(source, bytes.len() as u64), killing);
    assert_eq!(outcome.unwrap(), Outcome::Crashed("the renderer died (signal: 9 (SIGKILL))".to_owned()));
    pool.assert_works().await;
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_is_fed_is_replaced() {
    let pool = Pool::new(1);
    let bytes = encode(photograph(800, 600), ImageFormat::Bmp);
    let source = pieces(&bytes[..60_000]).chain(
        async {
            kill(pool.process().await);
            Ok(Bytes::new())
        }
        .into_stream(),
    );
    let source = source.chain(pieces(&bytes[60_000..]));
    let outcome = pool.renderers.render(source, bytes.len() as u64).await.unwrap();
    assert_eq!(outcome, Outcome::Crashed("the renderer died (signal: 9 (SIGKILL))".to_owned()));
    pool.assert_works().await;
}

#[tokio::test]
async fn a_process_that_died_in_its_sleep_is_not_used() {
    let pool = Pool::new(1);
    pool.assert_works().await;
    kill(pool.process().await);
    pool.until_no_process_lives().await;
    pool.assert_works().await;
}

#[tokio::test]
async fn the_deadline_ends_what_takes_too_long() {
    let pool = Pool::with(1, RenderOptions { deadline: Duration::from_millis(1), ..RenderOptions::default() });
    let outcome = pool.render(&slow()).await.unwrap();
    assert_eq!(outcome, Outcome::Crashed("rendering took longer than 1ms".to_owned()));
    pool.until_no_process_lives().await;
}

#[tokio::test]
async fn a_slow_source_does_not_use_up_the_deadline() {
    let deadline = Duration::from_secs(3);
    let pool = Pool::with(1, RenderOptions { deadline, ..RenderOptions::default() });
    let bytes = small();
    let pause = async {
        // Time that passes is what this is about.
        tokio::time::sleep(deadline + Duration::from_millis(200)).await;
        Ok(Bytes::new())
    };
    let source = pieces(&bytes[..500]).chain(pause.into_stream()).chain(pieces(&bytes[500..]));
    let outcome = pool.renderers.render(source, bytes.len() as u64).await.unwrap();
    assert!(matches!(outcome, Outcome::Rendered(_)), "{outcome:?}");
}

#[tokio::test]
async fn an_image_that_takes_too_much_memory_takes_nothing_else_with_it() {
    let options = RenderOptions { memory: 64 << 20, deadline: Duration::from_secs(60), ..RenderOptions::default() };
    let pool = Pool::with(1, options);
    let outcome = pool.render(&slow()).await.unwrap();
    assert_eq!(outcome, Outcome::Crashed("no memory for 180000000 bytes of pixels".to_owned()));
    pool.assert_works().await;
    // A source that is too large by itself.
    let outcome = pool.render(&vec![b'x'; 80 << 20]).await.unwrap();
    assert_eq!(outcome, Outcome::Crashed(format!("no memory for {} bytes of source", 80 << 20)));
    pool.assert_works().await;
}

#[tokio::test]
async fn a_bomb_is_refused_within_two_seconds_and_64_mebibytes() {
    let options = RenderOptions { memory: 64 << 20, deadline: Duration::from_secs(60), ..RenderOptions::default() };
    let pool = Pool::with(1, options);
    pool.assert_works().await;
    let begun = Instant::now();
    let outcome = pool.render(&png(65_000, 65_000, [16, 6], &[(b"IDAT", zlib(&vec![0; 60_000]))])).await.unwrap();
    let sentence = "The image has 4.3 gigapixels; at most 64 megapixels can be scaled.";
    assert_eq!(outcome, Outcome::Damaged(sentence.to_owned()));
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn dropping_a_render_ends_its_process() {
    let pool = Pool::new(1);
    let bytes = small();
    let (started, running) = oneshot::channel();
    let started = async {
        started.send(()).ok();
        Ok(Bytes::new())
    };
    let endless = pieces(&bytes[..500]).chain(started.into_stream()).chain(stream::pending());
    let mut render = Box::pin(pool.renderers.render(endless, bytes.len() as u64));
    tokio::select! {
        outcome = &mut render => panic!("{outcome:?}"),
        _ = running => assert!(pool.process().await > 0),
    }
    drop(render);
    pool.until_no_process_lives().await;
    pool.assert_works().await;
}

#[tokio::test]
async fn a_process_ends_with_its_input_even_while_it_renders() {
    use std::io::Write;
    use std::process::Stdio;

    let bytes = slow();
    let header = format!(r#"{{"limits":{{"max_pixels":64000000,"max_side":16384}},"length":{}}}"#, bytes.len());
    let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["render", "1073741824"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&u32::try_from(header.len()).unwrap().to_le_bytes()).unwrap();
    input.write_all(header.as_bytes()).unwrap();
    input.write_all(&bytes).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
}

#[tokio::test]
async fn after_a_shutdown_no_process_is_left_and_none_is_started() {
    let pool = Pool::new(2);
    let bytes = small();
    let (one, other) = tokio::join!(pool.render(&bytes), pool.render(&bytes));
    assert!(one.is_ok() && other.is_ok());
    pool.renderers.shutdown().await;
    assert!(pool.processes().is_empty());
    assert!(matches!(pool.render(&bytes).await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_the_fault_of_the_image() {
    let renderers = Renderers::new(PathBuf::from("/nowhere/strongroom"), 1, RenderOptions::default());
    let bytes = small();
    assert!(matches!(renderers.render(pieces(&bytes), bytes.len() as u64).await, Err(Error::Internal(_))));
}
