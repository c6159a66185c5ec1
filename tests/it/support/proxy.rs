//! A TCP proxy that can fall silent, in both directions or on the way back, cut every answer off in the middle, or be slow.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// How late everything arrives while it is delayed, each way.
const DELAY: Duration = Duration::from_millis(150);
/// How many bytes pass in a tick, each way of each connection, while it is throttled: 16 KiB a second.
const PER_TICK: usize = 256;
const TICK: Duration = Duration::from_micros(15_625);

pub struct Proxy {
    pub port: u16,
    mood: watch::Sender<Mood>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Fair,
    Frozen,
    Mute,
    Cutting,
    Delayed,
    Throttled,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

impl Proxy {
    /// In front of this address.
    pub async fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mood, watched) = watch::channel(Mood::Fair);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (target, watched) = (target.clone(), watched.clone());
                tokio::spawn(async move {
                    let far = TcpStream::connect(target).await?;
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    let there = pass(near_in, far_out, Way::There, watched.clone());
                    tokio::try_join!(there, pass(far_in, near_out, Way::Back, watched))
                });
            }
        });
        Self { port, mood }
    }

    /// Connections stay open, new ones are accepted, and not a byte passes.
    pub fn freeze(&self) {
        self.mood.send_replace(Mood::Frozen);
    }

    /// What clients send arrives, and no answer comes back.
    pub fn mute(&self) {
        self.mood.send_replace(Mood::Mute);
    }

    /// Half of an answer comes back, then the connection is closed.
    pub fn cut(&self) {
        self.mood.send_replace(Mood::Cutting);
    }

    /// Everything arrives late.
    pub fn delay(&self) {
        self.mood.send_replace(Mood::Delayed);
    }

    /// Few bytes a second pass.
    pub fn throttle(&self) {
        self.mood.send_replace(Mood::Throttled);
    }

    /// Everything passes again, what was held back first.
    pub fn thaw(&self) {
        self.mood.send_replace(Mood::Fair);
    }
}

/// Ends with an error when either side is gone, so that the other is closed too.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    mut mood: watch::Receiver<Mood>,
) -> std::io::Result<()> {
    let end = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let held = |mood: &Mood| *mood == Mood::Frozen || (*mood == Mood::Mute && way == Way::Back);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Err(end());
        }
        let mood = *mood.wait_for(|mood| !held(mood)).await.map_err(|_| end())?;
        match mood {
            Mood::Cutting if way == Way::Back => {
                to.write_all(&buffer[..read / 2]).await?;
                return Err(end());
            }
            Mood::Throttled => {
                for few in buffer[..read].chunks(PER_TICK) {
                    sleep(TICK).await;
                    to.write_all(few).await?;
                }
                continue;
            }
            Mood::Delayed => sleep(DELAY).await,
            _ => {}
        }
        to.write_all(&buffer[..read]).await?;
    }
}
