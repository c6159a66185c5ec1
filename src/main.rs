//! The program. Everything is in the library; this hands it the arguments and the environment.

use std::process::ExitCode;

fn main() -> ExitCode {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    strongroom::cli::run(std::env::args_os(), std::env::vars_os().filter_map(text).collect())
}
