//! Certificates to choose from, and their renewal.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::certificates::Certificates;
use super::config_error::TlsConfigError;
use super::files::{Seen, pem_files, seen};
use super::identity::Identity;
use super::log;

/// How often it is looked whether files have changed, at most.
const LOOKED_AT: Duration = Duration::from_secs(1);

/// Certificates with their keys, read from files and read again when the files change. Cheap to clone;
/// clones share what was read.
///
/// A renewed certificate needs no restart: at a handshake, at most once a second, it is looked whether the
/// files have changed, and if so they are read again. What is wrong then is logged (feature `tracing`), and
/// the certificates that were there stay in use. [`reload`](Self::reload) does the same at once. Connections
/// that are open stay as they are, but no session of theirs is resumed with a certificate that has been
/// replaced.
///
/// ```no_run
/// use amp_rpc::{Identities, Tls};
///
/// # fn example() -> Result<(), amp_rpc::TlsConfigError> {
/// let identities = Identities::from_folder("certificates")?;
/// let server = Tls::new().identities(identities.clone());
/// // Later, say at a signal:
/// if let Err(error) = identities.reload() {
///     eprintln!("the certificates stay as they were: {error}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Identities(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Where they come from, unless they were given.
    source: Option<Source>,
    current: Mutex<Arc<Certificates>>,
    /// When it was last looked at the files.
    looked: Mutex<Instant>,
    /// Locked while files are read, so that nothing older replaces what is newer.
    files: Mutex<Files>,
}

/// Files to read.
#[derive(Debug)]
pub(super) enum Source {
    Pair {
        certificate: PathBuf,
        intermediates: Option<PathBuf>,
        key: PathBuf,
    },
    Folder(PathBuf),
}

/// What files were like when they were last read.
#[derive(Debug)]
struct Files {
    seen: Vec<Seen>,
    /// Whether they could not be read, which may be over without a trace.
    are_broken: bool,
}

impl Identities {
    /// One certificate, from files in PEM: the certificate, followed by those that lead to an authority;
    /// and the key. It may be one file.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub fn from_pem_files(
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsConfigError> {
        Self::from_source(Source::Pair {
            certificate: certificate.as_ref().to_owned(),
            intermediates: None,
            key: key.as_ref().to_owned(),
        })
    }

    /// The same, with the certificates that lead to an authority in a file of their own; in Twisted, the
    /// `extraCertChain` of an endpoint.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub fn from_pem_files_with_chain(
        certificate: impl AsRef<Path>,
        intermediates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsConfigError> {
        Self::from_source(Source::Pair {
            certificate: certificate.as_ref().to_owned(),
            intermediates: Some(intermediates.as_ref().to_owned()),
            key: key.as_ref().to_owned(),
        })
    }

    /// A certificate for each host, from all files of a folder and the folders in it whose names end in
    /// `.pem`. Twisted's `tls:FOLDER:PORT`, and mostly as there:
    ///
    /// * Keys and certificates may be in one file or in several, in any order. Which belong together, the
    ///   keys tell; a key without a certificate is passed over.
    /// * Certificates of authorities are sent along where they lead to the one's issuer.
    /// * A client gets the certificate that bears the host name it says, or else a wildcard in place of the
    ///   name's first part (`*.example.org`). Of several the one that is valid longest is taken.
    /// * A client that says no name, or another, gets the certificate of the first key, in the order of the
    ///   files' paths. Only host names count, and only those among the alternative names of a certificate.
    ///
    /// Unlike in Twisted, which in effect reads a folder once, new and renewed certificates are found.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it; there must be one certificate with its key at least.
    pub fn from_folder(path: impl AsRef<Path>) -> Result<Self, TlsConfigError> {
        Self::from_source(Source::Folder(path.as_ref().to_owned()))
    }

    fn from_source(source: Source) -> Result<Self, TlsConfigError> {
        // Looked at before they are read: what changes in between is seen the next time.
        let seen = source.look();
        Ok(Self::with(source.read()?, Some(source), seen))
    }

    fn with(certificates: Certificates, source: Option<Source>, seen: Vec<Seen>) -> Self {
        Self(Arc::new(Shared {
            source,
            current: Mutex::new(Arc::new(certificates)),
            looked: Mutex::new(Instant::now()),
            files: Mutex::new(Files {
                seen,
                are_broken: false,
            }),
        }))
    }

    /// Reads the files again, whether they have changed or not; what was given otherwise stays as it is.
    /// It blocks for as long as that takes.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it; the certificates that were there stay in use.
    pub fn reload(&self) -> Result<(), TlsConfigError> {
        match &self.0.source {
            Some(source) => self.read(source, lock(&self.0.files), source.look()),
            None => Ok(()),
        }
    }

    fn read(
        &self,
        source: &Source,
        mut files: MutexGuard<'_, Files>,
        seen: Vec<Seen>,
    ) -> Result<(), TlsConfigError> {
        let read = source.read();
        files.seen = seen;
        files.are_broken = read.is_err();
        *lock(&self.0.current) = Arc::new(read?);
        Ok(())
    }

    /// Reads the files again if they have changed.
    fn reload_if_changed(&self, source: &Source) {
        let files = lock(&self.0.files);
        let seen = source.look();
        let have_changed = seen != files.seen;
        if have_changed || files.are_broken {
            match self.read(source, files, seen) {
                Ok(()) => log::reloaded(source),
                // To say it once is enough.
                Err(error) if have_changed => log::not_reloaded(source, &error),
                Err(_) => {}
            }
        }
    }

    /// The certificates as they are now, after a look at the files if the last was long ago.
    pub(super) async fn certificates(&self) -> Arc<Certificates> {
        if self.0.source.is_some() && self.is_due() {
            let this = self.clone();
            let reload = move || {
                if let Some(source) = &this.0.source {
                    this.reload_if_changed(source);
                }
            };
            // It fails only where the program is about to end.
            let _ = tokio::task::spawn_blocking(reload).await;
        }
        Arc::clone(&lock(&self.0.current))
    }

    fn is_due(&self) -> bool {
        let now = Instant::now();
        let mut looked = lock(&self.0.looked);
        let is_due = now.duration_since(*looked) >= LOOKED_AT;
        if is_due {
            *looked = now;
        }
        is_due
    }
}

impl Source {
    fn look(&self) -> Vec<Seen> {
        match self {
            Self::Pair {
                certificate,
                intermediates,
                key,
            } => {
                let files = [Some(certificate), intermediates.as_ref(), Some(key)];
                files.into_iter().flatten().cloned().map(seen).collect()
            }
            Self::Folder(path) => {
                let files = pem_files(path).unwrap_or_default();
                files.into_iter().map(seen).collect()
            }
        }
    }

    fn read(&self) -> Result<Certificates, TlsConfigError> {
        match self {
            Self::Pair {
                certificate,
                intermediates,
                key,
            } => Identity::read(certificate, intermediates.as_deref(), key).map(Certificates::one),
            Self::Folder(path) => Certificates::from_folder(path),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pair { certificate, .. } => certificate.display().fmt(f),
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

impl From<Identity> for Identities {
    /// Nothing is read again.
    fn from(identity: Identity) -> Self {
        Self::with(Certificates::one(identity), None, Vec::new())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
