//! The data folder of the embedded back end: made when missing, held by one serving process, home of the secret.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use crate::{app::StartError, model::Random};

/// An open data folder.
pub struct DataFolder {
    path: PathBuf,
    /// Locked while a process serves. The lock goes with the process, however it ends.
    _lock: Option<File>,
}

impl DataFolder {
    /// Opens the folder, making it if it is missing; `exclusive` refuses when another process has it so.
    pub fn open(path: &Path, exclusive: bool) -> Result<Self, StartError> {
        let unusable = |what: &str, error: std::io::Error| {
            StartError(format!("store.data_dir: the folder {} {what}: {error}", path.display()))
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| unusable("cannot be made", error))?;
        let lock_path = path.join("serve.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|error| unusable("cannot be written", error))?;
        if !exclusive {
            return Ok(Self { path: path.to_owned(), _lock: None });
        }
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(StartError(format!(
                "store.data_dir: another `strongroom serve` is using the folder {}. Stop it first, or choose another \
                 folder. (`strongroom user` works beside it.)",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unusable("cannot be locked", error)),
        }
    }

    /// The secret of this folder, made when there is none yet.
    pub fn secret(&self, random: &Random) -> Result<SecretString, StartError> {
        let path = self.path.join("secret");
        let unusable =
            |error| StartError(format!("store.data_dir: the secret {} cannot be used: {error}", path.display()));
        // Written whole under another name first: of two processes that start at once one wins, and both read the same.
        let fresh = self.path.join(format!("secret.{}", hex::encode(random.bytes::<8>())));
        if !path.exists() {
            let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&fresh).and_then(|mut file| {
                file.write_all(hex::encode(random.bytes::<32>()).as_bytes())?;
                file.sync_all()
            });
            let linked = made.and_then(|()| std::fs::hard_link(&fresh, &path));
            let _ = std::fs::remove_file(&fresh);
            match linked {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(unusable(error)),
                _ => File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(unusable)?,
            }
        }
        let mut text = String::new();
        File::open(&path).and_then(|mut file| file.read_to_string(&mut text)).map_err(unusable)?;
        let text = text.trim();
        if text.len() < 32 {
            return Err(StartError(format!("store.data_dir: the secret {} is too short", path.display())));
        }
        Ok(text.into())
    }
}
