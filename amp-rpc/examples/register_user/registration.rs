//! The implementation, separate from the command and from the connection.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use amp_rpc::{Answer, Failure, Responders};
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt as _;

use crate::command::{RegisterUser, Registered, RegistrationError};

/// The guide's locator `UserRegistration`: a counter, and a file for each user.
pub(crate) struct UserRegistration {
    folder: PathBuf,
    last_uid: AtomicI64,
}

impl UserRegistration {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            last_uid: AtomicI64::new(0),
        }
    }

    pub(crate) fn into_responders(self) -> Responders<Arc<Self>> {
        Responders::with_state(self).on(Self::register)
    }

    async fn register(self: Arc<Self>, command: RegisterUser) -> Answer<RegisterUser> {
        if !is_plain_file_name(&command.username) {
            return Err(RegistrationError::UsernameInvalid.into());
        }
        // Made only if it is not there: two who register at once cannot both have the name.
        let path = self.folder.join(&command.username);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let mut file = match options.open(path).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(RegistrationError::UsernameUnavailable.into());
            }
            Err(error) => return Err(Failure::unexpected(error)),
        };
        let uid = self.last_uid.fetch_add(1, Ordering::Relaxed) + 1;
        let mut line = format!("{uid} ").into_bytes();
        line.extend_from_slice(&command.publickey);
        line.push(b'\n');
        file.write_all(&line).await.map_err(Failure::unexpected)?;
        file.flush().await.map_err(Failure::unexpected)?;
        Ok(Registered { uid })
    }
}

/// Whether a name means a file in the folder and nothing else, on any system.
fn is_plain_file_name(name: &str) -> bool {
    let is_odd = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
    (1..=255).contains(&name.len()) && !name.starts_with('.') && !name.contains(is_odd)
}
