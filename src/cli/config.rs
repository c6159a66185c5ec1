//! `strongroom config`.

use std::process::ExitCode;

use clap::Args;

use crate::config::{Config, DEFAULTS, Layers, show};

/// Print or check the configuration
///
/// Prints every setting as it is in force, with where it came from: a default, the file, an environment variable, --set.
/// Secrets are not shown.
#[derive(Debug, Args)]
pub struct Show {
    /// Only check, and list every problem with its key and where it came from. Exit status 2 if there are any.
    #[arg(long)]
    check: bool,
    /// Print the annotated defaults instead, as a start for a file of your own.
    #[arg(long, conflicts_with = "check")]
    default: bool,
}

impl Show {
    pub(super) fn run(self, layers: Layers) -> ExitCode {
        if self.default {
            return super::print(DEFAULTS);
        }
        let shown = show(&layers);
        match Config::read(layers) {
            Ok(_) if self.check => super::print("The configuration is in order.\n"),
            Ok(_) => super::print(&shown),
            Err(problems) => {
                if !self.check {
                    super::print(&shown);
                }
                for problem in problems {
                    eprintln!("{problem}");
                }
                ExitCode::from(2)
            }
        }
    }
}
