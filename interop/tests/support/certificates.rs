//! Certificates for the tests, made when they are needed, and a folder for their files.

#![allow(dead_code, reason = "not every test file needs everything")]

use std::path::{Path, PathBuf};

use amp_rpc::{Identity, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
};

/// An authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(authority(name), key).expect("a certificate"))
    }

    /// A certificate and its key in PEM. The first name is the common name too.
    pub(crate) fn issue(&self, names: &[&str]) -> String {
        self.sign(params(names))
    }

    /// The same, changed in some way.
    pub(crate) fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> String {
        let mut params = params(names);
        change(&mut params);
        self.sign(params)
    }

    /// An authority that this one answers for.
    pub(crate) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::signed_by(authority(name), key, &self.0);
        Self(issuer.expect("a certificate"))
    }

    /// A certificate that was good until the year 2001.
    pub(crate) fn issue_expired(&self, names: &[&str]) -> String {
        let mut params = params(names);
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> String {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        certificate.pem() + &key.serialize_pem()
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn identity(&self, names: &[&str]) -> Identity {
        Identity::from_pem(self.issue(names)).expect("a good pair")
    }

    /// What trusts this authority and no other.
    pub(crate) fn trust(&self) -> Trust {
        Trust::authorities_from_pem(self.pem()).expect("a certificate")
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // The default has a common name already.
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn params(names: &[&str]) -> CertificateParams {
    let all: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(all).expect("names for a certificate");
    params
        .distinguished_name
        .push(DnType::CommonName, *names.first().expect("a name"));
    params
}

/// A new folder, which is removed with all that is in it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// `name` is unlike those of all other tests.
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("amp-rpc-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A folder in this one, which goes with it.
    pub(crate) fn folder(&self, name: &str) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        text(&path)
    }

    /// A file in this folder; the name may lead through folders that are there.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a file");
        text(&path)
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
