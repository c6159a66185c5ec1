//! What the tests stand on: real servers, a running application, a client.

pub mod app;
pub mod bench;
pub mod client;
pub mod program;
pub mod proxy;
pub mod servers;

/// Runs each named rule, an `async fn(Backend)`, once on every back end.
#[macro_export]
macro_rules! on_both_back_ends {
    ($($rule:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                super::$rule($crate::support::Backend::Embedded).await;
            })*
        }
        mod servers {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                super::$rule($crate::support::Backend::Servers).await;
            })*
        }
    };
}

/// Which back end a rule runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// SQLite and local disk.
    Embedded,
    /// MongoDB and Redis, real ones.
    Servers,
}

/// Waits for what announces itself by no event, such as a file of another process. Blocks.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + app::PATIENCE;
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
