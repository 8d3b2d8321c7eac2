//! Looks up certificates for the library that does TLS.

use std::sync::{Arc, OnceLock};

use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::certificates::Certificates;

/// Looks up the certificate in one handshake, and remembers for which name there was none: the library does
/// not tell.
#[derive(Debug)]
pub(super) struct Resolver {
    certificates: Arc<Certificates>,
    missed: OnceLock<String>,
}

impl Resolver {
    pub(super) fn new(certificates: Arc<Certificates>) -> Self {
        Self {
            certificates,
            missed: OnceLock::new(),
        }
    }

    /// The name for which there was no certificate.
    pub(super) fn missed(&self) -> Option<String> {
        self.missed.get().cloned()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let Some(name) = hello.server_name() else {
            return Some(self.certificates.default());
        };
        let found = self.certificates.lookup(name);
        if found.is_none() {
            self.missed.get_or_init(|| name.to_owned());
        }
        found
    }
}
