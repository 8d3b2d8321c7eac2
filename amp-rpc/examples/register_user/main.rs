//! The guide's user registration: a command with a declared error, and a locator with a state.
//!
//!     cargo run --example register_user
//!     cargo run --example register_user -- --listen [ENDPOINT] [--directory FOLDER]
//!     cargo run --example register_user -- --connect ENDPOINT [--name NAME]
//!
//! Without arguments it is both: a server on a free port, and a client that registers a user over TCP
//! and then the same user again, which fails with the declared error:
//!
//!     listening on tcp:127.0.0.1:40123
//!     registered alice: uid 1
//!     alice again: the username is taken
//!
//! With `--listen` and `--connect` these are two processes. The server keeps a file for each user in
//! the folder, by default one of its own that it removes at the end.

mod client;
mod command;
mod registration;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use amp_rpc::Amp;

use registration::UserRegistration;

const USAGE: &str = "usage: register_user [--listen [ENDPOINT] [--directory FOLDER]] \
                     | [--connect ENDPOINT [--name NAME]]";

/// What the command line asks for.
enum Role {
    Both,
    Listen {
        endpoint: String,
        directory: Option<PathBuf>,
    },
    Connect {
        endpoint: String,
        name: String,
    },
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match Role::from_arguments(std::env::args().skip(1))? {
        Role::Both => both().await,
        Role::Listen {
            endpoint,
            directory,
        } => listen(&endpoint, directory).await,
        Role::Connect { endpoint, name } => client::register_twice(&endpoint, &name).await,
    }
}

async fn both() -> Result<(), Box<dyn Error>> {
    let folder = TemporaryFolder::new()?;
    let amp = Amp::new().locator(UserRegistration::new(folder.path()).into_responders());
    let server = amp.listen("tcp:0:interface=127.0.0.1").await?;
    println!("listening on {}", server.endpoint());
    client::register_twice(&server.endpoint().to_string(), "alice").await?;
    server.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

async fn listen(endpoint: &str, directory: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    let (folder, _remove);
    match directory {
        Some(given) => folder = given,
        None => {
            _remove = TemporaryFolder::new()?;
            folder = _remove.path();
        }
    }
    let amp = Amp::new().locator(UserRegistration::new(folder).into_responders());
    let server = amp.listen(endpoint).await?;
    println!("listening on {}", server.endpoint());
    tokio::select! {
        () = server.run() => {}
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    Ok(())
}

impl Role {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let Some(role) = arguments.next() else {
            return Ok(Self::Both);
        };
        let mut place = None;
        let mut option = None;
        let wanted = match role.as_str() {
            "--listen" => "--directory",
            "--connect" => "--name",
            _ => return Err(USAGE.to_owned()),
        };
        while let Some(argument) = arguments.next() {
            if argument == wanted {
                option = Some(arguments.next().ok_or(USAGE)?);
            } else if argument.starts_with("--") || place.is_some() {
                return Err(USAGE.to_owned());
            } else {
                place = Some(argument);
            }
        }
        if role == "--listen" {
            return Ok(Self::Listen {
                endpoint: place.unwrap_or_else(|| "tcp:0:interface=127.0.0.1".to_owned()),
                directory: option.map(PathBuf::from),
            });
        }
        Ok(Self::Connect {
            endpoint: place.ok_or(USAGE)?,
            name: option.unwrap_or_else(|| "alice".to_owned()),
        })
    }
}

/// A folder that is removed with its owner.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> std::io::Result<Self> {
        let name = format!("register_user-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    fn path(&self) -> PathBuf {
        self.0.clone()
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // A folder that is left behind in the system's temporary folder does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
