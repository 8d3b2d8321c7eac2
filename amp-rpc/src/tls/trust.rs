//! Whom a side believes to be who they say.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::config_error::TlsConfigError;
use super::identity::{certificates, read};

/// Whose certificates are accepted. Cheap to clone.
///
/// A side that is the client of the handshake demands a certificate that is valid, leads to an authority
/// it trusts, and bears the name under which the server was sought. A side that is the server demands
/// one only if it is told whom to [`trust`](crate::Tls::trust); names are not compared then, since
/// clients are sought by nobody.
#[derive(Debug, Clone)]
pub struct Trust {
    pub(super) whom: Whom,
    /// Whether a server's certificate has to bear its name.
    pub(super) checks_name: bool,
}

#[derive(Clone)]
pub(super) enum Whom {
    System,
    Authorities(Arc<RootCertStore>),
    /// The SHA-256 of the public key.
    Key([u8; 32]),
    Anyone,
}

impl Trust {
    /// The authorities that the system trusts. They are read when they are first needed.
    pub fn system() -> Self {
        Self::of(Whom::System)
    }

    /// The authorities in a file in PEM, and no others.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub fn authorities_from_pem_file(path: impl AsRef<Path>) -> Result<Self, TlsConfigError> {
        let path = path.as_ref();
        let place = path.display().to_string();
        Self::authorities(certificates(&read(path)?, &place)?, &place)
    }

    /// The authorities in a text in PEM, and no others.
    ///
    /// # Errors
    ///
    /// Says what is wrong.
    pub fn authorities_from_pem(pem: impl AsRef<[u8]>) -> Result<Self, TlsConfigError> {
        let place = "the given text";
        Self::authorities(certificates(pem.as_ref(), place)?, place)
    }

    /// The authorities in all files of a folder whose names end in `.pem`, and no others; Twisted's
    /// `trustRoots` and `caCertsDir`. As there, files without a certificate are passed over.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it; there must be one certificate at least.
    pub fn authorities_from_folder(path: impl AsRef<Path>) -> Result<Self, TlsConfigError> {
        let path = path.as_ref();
        let fail = |source| TlsConfigError::File {
            path: path.to_owned(),
            source,
        };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path).map_err(fail)? {
            let file = entry.map_err(fail)?.path();
            if file
                .extension()
                .is_some_and(|it| it.eq_ignore_ascii_case("pem"))
            {
                match certificates(&read(&file)?, &file.display().to_string()) {
                    Err(TlsConfigError::Missing { .. }) => {}
                    certificates => found.extend(certificates?),
                }
            }
        }
        let place = path.display().to_string();
        if found.is_empty() {
            return Err(TlsConfigError::Missing {
                what: "certificate",
                place,
            });
        }
        Self::authorities(found, &place)
    }

    fn authorities(
        certificates: Vec<CertificateDer<'static>>,
        place: &str,
    ) -> Result<Self, TlsConfigError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots
                .add(certificate)
                .map_err(|error| TlsConfigError::Malformed {
                    what: "certificate of an authority",
                    place: place.to_owned(),
                    source: error.into(),
                })?;
        }
        Ok(Self::of(Whom::Authorities(Arc::new(roots))))
    }

    /// The owner of one key, whatever else its certificate says: names, dates and authorities are not
    /// looked at. `sha256` is the SHA-256 of the public key (of the `SubjectPublicKeyInfo` in DER), which
    /// `openssl x509 -pubkey -noout -in server.pem | openssl pkey -pubin -outform der | sha256sum` prints.
    pub fn key(sha256: [u8; 32]) -> Self {
        Self::of(Whom::Key(sha256))
    }

    /// Anyone with any certificate, even one signed by itself: those who only listen are kept out, but
    /// whoever can put themselves in between is not. It is what Twisted does in `StartTLS` where no
    /// authorities are given.
    pub fn anyone() -> Self {
        Self::of(Whom::Anyone)
    }

    /// The same, but a server's certificate may bear any name. It is what Twisted does in `StartTLS`: the
    /// authorities there are expected to sign for nobody else.
    #[must_use]
    pub fn under_any_name(mut self) -> Self {
        self.checks_name = false;
        self
    }

    const fn of(whom: Whom) -> Self {
        let checks_name = matches!(whom, Whom::System | Whom::Authorities(_));
        Self { whom, checks_name }
    }
}

/// The system's authorities, read once.
pub(super) fn system_authorities() -> Result<Arc<RootCertStore>, TlsConfigError> {
    static READ: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = READ.get() {
        return Ok(Arc::clone(roots));
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Old systems keep some that nobody can use.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reasons = found.errors.iter().map(ToString::to_string).collect();
        return Err(TlsConfigError::NoSystemAuthorities { reasons });
    }
    Ok(Arc::clone(READ.get_or_init(|| Arc::new(roots))))
}

impl fmt::Debug for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Authorities(roots) => write!(f, "Authorities({})", roots.len()),
            Self::Key(_) => f.write_str("Key"),
            Self::Anyone => f.write_str("Anyone"),
        }
    }
}
