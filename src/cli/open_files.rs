//! How many files and sockets the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is left for the files that are being moved, the database, and the connections to other back ends.
const RESERVE: u64 = 1024;

/// Raises the limit as far as it goes (few systems begin with more than 1,024), and answers how many of this many
/// connections fit.
pub fn make_room(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
    let Some(limit) = getrlimit(Resource::Nofile).current else { return connections };
    let fitting = fitting(connections, limit);
    if fitting < connections {
        tracing::warn!(
            "server.max_connections is {connections}, but with a limit of {limit} open files there is room for \
             {fitting}. Raise the hard limit (ulimit -Hn, LimitNOFILE of systemd), or lower the setting."
        );
    }
    fitting
}

fn fitting(connections: usize, limit: u64) -> usize {
    let room = limit.saturating_sub(RESERVE).max(limit / 2).max(1);
    connections.min(usize::try_from(room).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_other_files() {
        assert_eq!(fitting(10_000, 20_000), 10_000);
        assert_eq!(fitting(10_000, 4096), 3072);
        assert_eq!(fitting(10_000, 1024), 512);
        assert_eq!(fitting(100, 256), 100);
    }
}
