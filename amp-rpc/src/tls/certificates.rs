//! Which certificate a peer gets.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::{CertifiedKey, SigningKey};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::config_error::TlsConfigError;
use super::files::pem_files;
use super::identity::{Identity, certificates, read};
use super::log;
use super::provider::provider;

/// How many certificates of authorities are sent along at most.
const LONGEST_CHAIN: usize = 10;

/// Certificates with their keys, and the names that lead to them.
pub(super) struct Certificates {
    default: Arc<CertifiedKey>,
    /// By host names in small letters; `None` where every name leads to the one that there is.
    by_name: Option<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    pub(super) fn one(identity: Identity) -> Self {
        Self {
            default: identity.0,
            by_name: None,
        }
    }

    /// As [`Identities::from_folder`](super::Identities::from_folder) says.
    pub(super) fn from_folder(path: &Path) -> Result<Self, TlsConfigError> {
        let files = pem_files(path).map_err(|source| TlsConfigError::File {
            path: path.to_owned(),
            source,
        })?;
        let mut objects = Objects::default();
        for file in files {
            objects.read(&file)?;
        }
        let certificates = objects.parse()?;
        objects
            .pairs(&certificates)
            .ok_or_else(|| TlsConfigError::Missing {
                what: "certificate with its private key",
                place: format!("the .pem files of {}", path.display()),
            })
    }

    /// The one for a peer that says no name, or another.
    pub(super) fn default(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.default)
    }

    /// The one for a host name in small letters, which the library sees to, if there is one.
    fn lookup(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let by_name = self.by_name.as_ref()?;
        let wildcard = || {
            let (_, rest) = name.split_once('.')?;
            by_name.get(&format!("*.{rest}"))
        };
        by_name.get(name).or_else(wildcard).cloned()
    }
}

impl ResolvesServerCert for Certificates {
    /// A name that is not known leads to the certificate for none, as in Twisted: the client sees by it
    /// whom it has reached, and not every client cares for names.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let found = hello.server_name().and_then(|name| self.lookup(name));
        Some(found.unwrap_or_else(|| self.default()))
    }
}

/// What stands in the files of a folder, and the files' names.
#[derive(Default)]
struct Objects {
    certificates: Vec<(CertificateDer<'static>, String)>,
    keys: Vec<(Arc<dyn SigningKey>, String)>,
}

impl Objects {
    fn read(&mut self, file: &Path) -> Result<(), TlsConfigError> {
        let pem = read(file)?;
        let place = file.display().to_string();
        match certificates(&pem, &place) {
            Err(TlsConfigError::Missing { .. }) => {}
            certificates => {
                let certificates = certificates?.into_iter();
                self.certificates
                    .extend(certificates.map(|it| (it, place.clone())));
            }
        }
        for key in PrivateKeyDer::pem_slice_iter(&pem) {
            let key = key.map_err(|error| malformed("private key", &place, error))?;
            let key = provider()
                .key_provider
                .load_private_key(key)
                .map_err(|error| malformed("private key", &place, error))?;
            self.keys.push((key, place.clone()));
        }
        Ok(())
    }

    fn parse(&self) -> Result<Vec<X509Certificate<'_>>, TlsConfigError> {
        let certificates = self.certificates.iter();
        certificates.map(|(der, place)| parse(der, place)).collect()
    }

    /// Each key with its certificates, if there is any.
    fn pairs(&self, certificates: &[X509Certificate<'_>]) -> Option<Certificates> {
        let mut first = None;
        let mut by_name = HashMap::<String, Ranked>::new();
        for (key, place) in &self.keys {
            let public = key.public_key();
            let is_of_key = |it: &&X509Certificate<'_>| {
                public.as_ref().map(AsRef::as_ref) == Some(it.public_key().raw)
            };
            let mut is_used = false;
            for certificate in certificates.iter().filter(is_of_key) {
                is_used = true;
                let chain = self.chain(certificate, certificates);
                let ranked = Ranked::new(certificate, CertifiedKey::new(chain, Arc::clone(key)));
                let names = host_names(certificate);
                for name in &names {
                    let better = by_name.get(name).is_none_or(|it| it.rank <= ranked.rank);
                    if better {
                        by_name.insert(name.clone(), ranked.clone());
                    }
                }
                first.get_or_insert_with(|| (names.first().cloned(), ranked));
            }
            if !is_used {
                log::unused_key(place);
            }
        }
        let (name, first) = first?;
        // Its name may lead to a better one by now.
        let default = name.and_then(|name| by_name.get(&name).cloned());
        let by_name = by_name.into_iter().map(|(name, it)| (name, it.certified));
        Some(Certificates {
            default: default.unwrap_or(first).certified,
            by_name: Some(by_name.collect()),
        })
    }

    /// A certificate and those that lead from it to an authority, but for the last: who does not have
    /// that one does not trust it either.
    fn chain(
        &self,
        own: &X509Certificate<'_>,
        certificates: &[X509Certificate<'_>],
    ) -> Vec<CertificateDer<'static>> {
        let der = |certificate: &X509Certificate<'_>| {
            let at = certificates.iter().position(|it| it == certificate);
            at.map(|at| self.certificates[at].0.clone())
        };
        let mut chain = Vec::from_iter(der(own));
        let mut last = own;
        while chain.len() <= LONGEST_CHAIN {
            let is_issuer = |it: &&X509Certificate<'_>| {
                it.subject() == last.issuer() && it.subject() != it.issuer()
            };
            match certificates.iter().find(is_issuer) {
                Some(issuer) => last = issuer,
                None => break,
            }
            chain.extend(der(last));
        }
        chain
    }
}

/// A certificate, and how good it is among others for the same name.
#[derive(Clone)]
struct Ranked {
    certified: Arc<CertifiedKey>,
    /// Whether it is valid already, and until when.
    rank: (bool, i64),
}

impl Ranked {
    fn new(certificate: &X509Certificate<'_>, certified: CertifiedKey) -> Self {
        let validity = certificate.validity();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let is_valid = now.is_ok_and(|now| {
            u64::try_from(validity.not_before.timestamp()).unwrap_or(0) <= now.as_secs()
        });
        Self {
            certified: Arc::new(certified),
            rank: (is_valid, validity.not_after.timestamp()),
        }
    }
}

fn parse<'a>(der: &'a [u8], place: &str) -> Result<X509Certificate<'a>, TlsConfigError> {
    match parse_x509_certificate(der) {
        Ok((_, certificate)) => Ok(certificate),
        Err(error) => Err(malformed("certificate", place, error)),
    }
}

/// The host names that a certificate is for, in small letters.
fn host_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let host_name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    (names.value.general_names.iter())
        .filter_map(host_name)
        .collect()
}

fn malformed(
    what: &'static str,
    place: &str,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> TlsConfigError {
    TlsConfigError::Malformed {
        what,
        place: place.to_owned(),
        source: error.into(),
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.by_name.as_ref().map(HashMap::keys);
        let names = names.map(Vec::from_iter);
        (f.debug_struct("Certificates").field("names", &names)).finish_non_exhaustive()
    }
}
