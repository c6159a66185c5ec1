//! What may be done: the rules of the product, over the ports. Nothing here knows HTTP, GraphQL or a driver.

mod accounts;
mod checkup;
mod drive;
mod janitor;
mod keys;
mod leftovers;
mod links;
mod media_type;
mod passwords;
mod tokens;
mod uploads;
mod watch;

use std::sync::Arc;

pub use accounts::{Accounts, SignedIn, Viewer};
pub use checkup::{Checkup, Extent, Finding, Outcome, Pace, Problem, Report, Tally};
pub use drive::{Drive, FilePage, PageRequest};
pub use janitor::Janitor;
pub use keys::Keys;
pub use leftovers::{Leftovers, Noted};
pub use links::{Links, Signature, Variant};
pub use media_type::media_type;
pub use passwords::Passwords;
pub use tokens::{Claims, Tokens};
pub use uploads::{Incoming, NewFile, Parts, StoredPart, Uploads, not_a_part};
pub use watch::Watch;

/// All services.
#[derive(Clone)]
pub struct Services {
    /// Who may come in.
    pub accounts: Arc<Accounts>,
    /// Files and folders.
    pub drive: Arc<Drive>,
    /// Bytes on their way in.
    pub uploads: Arc<Uploads>,
    /// URLs of bytes.
    pub links: Arc<Links>,
    /// What is stored against what the rows say.
    pub checkup: Arc<Checkup>,
    /// Images until their thumbnails settle.
    pub watch: Arc<Watch>,
}
