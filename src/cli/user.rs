//! `strongroom user`.

use std::{
    io::{BufRead as _, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    app::{Instance, Role, StartError},
    config::Config,
    error::Error,
    service::Accounts,
};

/// How many accounts are read at a time.
const PAGE: usize = 500;

/// Add, list and change accounts
///
/// Works on the store that the configuration names, also while servers run on it, and whether or not registration is
/// open.
#[derive(Debug, Args)]
pub struct User {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add an account
    ///
    /// Asks for the password, or reads it as the first line of standard input when that is no terminal:
    /// `echo 'a long password' | strongroom user add ada@example.org`
    Add {
        /// The account's email address.
        email: String,
    },
    /// List all accounts: address, ID and date, separated by tabs
    List,
    /// Set an account's password, and end all its sessions
    ///
    /// Asks for the password, or reads it as the first line of standard input when that is no terminal.
    SetPassword {
        /// The account's email address.
        email: String,
    },
}

impl User {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode, StartError> {
        // The first account may come before the first start; anything else needs something to work on.
        let role = if matches!(self.action, Action::Add { .. }) { Role::Tool } else { Role::Inspect };
        let instance = Instance::open(config, role, super::environment(Duration::ZERO)?).await?;
        let done = self.act(&instance.app.services.accounts).await;
        instance.close().await;
        done
    }

    async fn act(self, accounts: &Accounts) -> Result<ExitCode, StartError> {
        match self.action {
            Action::Add { email } => {
                let user = accounts.add_user(&email, &password()?).await.map_err(explain)?;
                println!("{}\t{}", user.email, user.id);
            }
            Action::List => {
                let mut after: Option<String> = None;
                loop {
                    let users = accounts.list(after.as_deref(), PAGE).await.map_err(explain)?;
                    for user in &users {
                        println!("{}\t{}\t{}", user.email, user.id, user.created_at);
                    }
                    match users.last() {
                        Some(last) if users.len() == PAGE => after = Some(last.email.key().to_owned()),
                        _ => break,
                    }
                }
            }
            Action::SetPassword { email } => {
                if !accounts.set_password(&email, &password()?).await.map_err(explain)? {
                    return Err(StartError(format!("there is no account with the address {email}")));
                }
                println!("The password of {email} is set; all its sessions have ended.");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// From the terminal without echo and twice, or from the first line of a pipe.
fn password() -> Result<SecretString, StartError> {
    let fail = |error: std::io::Error| StartError(format!("cannot read the password: {error}"));
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(fail)?;
        return Ok(line.trim_end_matches(['\n', '\r']).into());
    }
    let ask = |prompt: &str| rpassword::prompt_password(prompt).map(SecretString::from).map_err(fail);
    let (first, again) = (ask("Password: ")?, ask("Once more: ")?);
    if first.expose_secret() != again.expose_secret() {
        return Err(StartError("the two passwords differ".to_owned()));
    }
    Ok(first)
}

#[allow(clippy::needless_pass_by_value, reason = "it is used as `map_err(explain)`")]
fn explain(error: Error) -> StartError {
    match &error {
        Error::User(user) => StartError(user.message.clone()),
        _ => StartError(error.to_string()),
    }
}
