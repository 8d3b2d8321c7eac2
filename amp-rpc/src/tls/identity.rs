//! What a side shows of itself: a certificate with its key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys};

use super::config_error::TlsConfigError;
use super::provider::provider;
use super::verifier::early_key;

/// A certificate, those that lead from it to an authority, and its private key. Cheap to clone.
///
/// Certificates of early versions of X.509 are taken, too, as those are that Twisted makes. What peers make of them is theirs: those of
/// this crate believe them with [`Trust::key`](super::Trust::key) or [`Trust::anyone`](super::Trust::anyone) only.
#[derive(Clone)]
pub struct Identity(pub(super) Arc<CertifiedKey>);

impl Identity {
    /// From files in PEM: the certificate, followed by those that lead to an authority; and the key, in
    /// PKCS #8, PKCS #1 or SEC 1. It may be one file.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub fn from_pem_files(
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsConfigError> {
        Self::read(certificate.as_ref(), None, key.as_ref())
    }

    /// From files; the certificates between the own one and an authority may be in a file of their own.
    pub(super) fn read(
        certificate: &Path,
        intermediates: Option<&Path>,
        key: &Path,
    ) -> Result<Self, TlsConfigError> {
        let place = certificate.display().to_string();
        let mut chain = certificates(&read(certificate)?, &place)?;
        if let Some(path) = intermediates {
            chain.extend(certificates(&read(path)?, &path.display().to_string())?);
        }
        let key_place = key.display().to_string();
        let key = private_key(&read(key)?, &key_place)?;
        Self::of(chain, key, format!("{place} and {key_place}"))
    }

    /// From one file in PEM that has the key and the certificates.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, TlsConfigError> {
        let path = path.as_ref();
        Self::from_pem_at(&read(path)?, path.display().to_string())
    }

    /// From bytes in PEM that have the key and the certificates.
    ///
    /// # Errors
    ///
    /// Says what is wrong.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, TlsConfigError> {
        Self::from_pem_at(pem.as_ref(), String::from("the given text"))
    }

    pub(super) fn from_pem_at(pem: &[u8], place: String) -> Result<Self, TlsConfigError> {
        let chain = certificates(pem, &place)?;
        let key = private_key(pem, &place)?;
        Self::of(chain, key, place)
    }

    /// From bytes in DER: the certificates, the own one first, and the key.
    ///
    /// # Errors
    ///
    /// Says what is wrong.
    pub fn from_der(
        chain: impl IntoIterator<Item = Vec<u8>>,
        key: Vec<u8>,
    ) -> Result<Self, TlsConfigError> {
        let place = String::from("the given bytes");
        let chain = chain.into_iter().map(CertificateDer::from).collect();
        let key = PrivateKeyDer::try_from(key).map_err(|why| TlsConfigError::Malformed {
            what: "private key",
            place: place.clone(),
            source: why.into(),
        })?;
        Self::of(chain, key, place)
    }

    /// A certificate made on the spot, signed by itself, for the name `localhost`. It keeps out those
    /// who only listen, but proves nothing: a peer accepts it only if it accepts anything. Twisted
    /// makes such a one when it is asked for `StartTLS` without a certificate.
    ///
    /// # Errors
    ///
    /// The system has no random numbers.
    #[cfg(feature = "temporary-certificate")]
    pub fn temporary() -> Result<Self, TlsConfigError> {
        let names = [String::from("localhost")];
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| TlsConfigError::Temporary(error.into()))?;
        let key = made.signing_key.serialize_der();
        Self::from_der([made.cert.der().to_vec()], key)
    }

    fn of(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        place: String,
    ) -> Result<Self, TlsConfigError> {
        match certified(chain, key) {
            Ok(certified) => Ok(Self(Arc::new(certified))),
            Err(error @ Error::InvalidCertificate(_)) => Err(TlsConfigError::Malformed {
                what: "certificate",
                place,
                source: error.into(),
            }),
            Err(error) => Err(TlsConfigError::Pair {
                place,
                source: error.into(),
            }),
        }
    }
}

/// A certificate and its key, which have to be of the same pair.
fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, Error> {
    let Some(early) = chain.first().and_then(early_key) else {
        return CertifiedKey::from_der(chain, key, provider());
    };
    // The library compares the keys only of certificates that it can read.
    let signing = provider().key_provider.load_private_key(key)?;
    match signing.public_key() {
        Some(own) if own == early => Ok(CertifiedKey::new(chain, signing)),
        Some(_) => Err(InconsistentKeys::KeyMismatch.into()),
        None => Err(InconsistentKeys::Unknown.into()),
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsConfigError> {
    std::fs::read(path).map_err(|source| TlsConfigError::File {
        path: path.to_owned(),
        source,
    })
}

/// All certificates in a text; there must be one.
pub(super) fn certificates(
    pem: &[u8],
    place: &str,
) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsConfigError::Missing {
            what: "certificate",
            place: place.to_owned(),
        }),
        Ok(found) => Ok(found),
        Err(error) => Err(TlsConfigError::Malformed {
            what: "certificates",
            place: place.to_owned(),
            source: Box::new(error),
        }),
    }
}

fn private_key(pem: &[u8], place: &str) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
    let mut found = PrivateKeyDer::pem_slice_iter(pem);
    match found.next() {
        Some(Ok(key)) => Ok(key),
        Some(Err(error)) => Err(TlsConfigError::Malformed {
            what: "private key",
            place: place.to_owned(),
            source: Box::new(error),
        }),
        None => Err(TlsConfigError::Missing {
            what: "private key",
            place: place.to_owned(),
        }),
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.0.cert.len())
            .finish_non_exhaustive()
    }
}
