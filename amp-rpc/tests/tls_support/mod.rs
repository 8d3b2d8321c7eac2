//! Certificates for tests, made when they are needed.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use amp_rpc::{Identity, Tls, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// An authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// A certificate of this authority's for some names, with its key, in PEM.
    pub(crate) fn issue(&self, names: &[&str]) -> String {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names.clone()).unwrap();
        let subject = names.first().cloned().unwrap_or_default();
        params.distinguished_name.push(DnType::CommonName, subject);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        certificate.pem() + &key.serialize_pem()
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn identity(&self, names: &[&str]) -> Identity {
        Identity::from_pem(self.issue(names)).unwrap()
    }

    /// What trusts this authority and no other.
    pub(crate) fn trust(&self) -> Trust {
        Trust::authorities_from_pem(self.pem()).unwrap()
    }

    /// A server for `localhost`.
    pub(crate) fn server(&self) -> Tls {
        Tls::new().identity(self.identity(&["localhost"]))
    }

    /// A client that seeks `localhost`.
    pub(crate) fn client(&self) -> Tls {
        Tls::new().trust(self.trust()).server_name("localhost")
    }
}
