//! Certificates, keys and authorities that cannot be read.

use std::error::Error;
use std::path::Path;

use super::support::{Authority, Folder, self_signed};
use crate::tls::{Identity, TlsConfigError, Trust};

const BROKEN: &str = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
const BROKEN_KEY: &str = "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n";

#[track_caller]
fn error<T>(result: Result<T, TlsConfigError>) -> (TlsConfigError, String) {
    match result {
        Ok(_) => panic!("expected an error"),
        Err(error) => {
            let message = error.to_string();
            (error, message)
        }
    }
}

#[track_caller]
fn names(message: &str, path: &Path) {
    assert!(message.contains(&path.display().to_string()), "{message}");
}

#[test]
fn a_missing_file_is_named() {
    let folder = Folder::new();
    let pem = self_signed();
    let certificate = folder.write("certificate.pem", &pem.certificate);
    let none = folder.0.join("none.pem");
    for result in [
        error(Identity::from_pem_files(&none, &certificate)),
        error(Identity::from_pem_files(&certificate, &none)),
        error(Identity::from_pem_file(&none)),
        error(Trust::authorities_from_pem_file(&none)),
        error(Trust::authorities_from_folder(&none)),
    ] {
        let (error, message) = result;
        assert!(
            matches!(&error, TlsConfigError::File { path, .. } if *path == none),
            "{error:?}"
        );
        names(&message, &none);
        assert!(error.source().is_some());
    }
}

#[test]
fn a_file_without_what_is_wanted() {
    let folder = Folder::new();
    let pem = self_signed();
    let certificate = folder.write("certificate.pem", &pem.certificate);
    let key = folder.write("key.pem", &pem.key);
    let text = folder.write("text.pem", "hello\n");
    for (result, what, place) in [
        (
            error(Identity::from_pem_files(&key, &key)),
            "certificate",
            &key,
        ),
        (
            error(Identity::from_pem_files(&certificate, &certificate)),
            "private key",
            &certificate,
        ),
        (error(Identity::from_pem_file(&text)), "certificate", &text),
        (
            error(Identity::from_pem_file(&certificate)),
            "private key",
            &certificate,
        ),
        (
            error(Trust::authorities_from_pem_file(&key)),
            "certificate",
            &key,
        ),
    ] {
        let (error, message) = result;
        assert!(
            matches!(&error, TlsConfigError::Missing { what: missing, .. } if *missing == what),
            "{error:?}"
        );
        names(&message, place);
        assert!(
            message.contains(what) && message.contains("-----BEGIN"),
            "{message}"
        );
    }
    let (error, message) = error(Identity::from_pem("hello"));
    assert!(matches!(error, TlsConfigError::Missing { .. }), "{error:?}");
    assert!(message.contains("the given text"), "{message}");
}

#[test]
fn a_folder_without_authorities() {
    let folder = Folder::new();
    folder.write("certificate.txt", Authority::new("A").pem);
    folder.write("key.pem", self_signed().key);
    let (error, message) = error(Trust::authorities_from_folder(&folder.0));
    assert!(matches!(error, TlsConfigError::Missing { .. }), "{error:?}");
    names(&message, &folder.0);
}

#[test]
fn a_file_that_is_malformed() {
    let folder = Folder::new();
    let pem = self_signed();
    let certificate = folder.write("certificate.pem", &pem.certificate);
    let key = folder.write("key.pem", &pem.key);
    let broken = folder.write("broken.pem", BROKEN);
    let broken_key = folder.write("broken_key.pem", BROKEN_KEY);
    for (result, place) in [
        (error(Identity::from_pem_files(&broken, &key)), &broken),
        (
            error(Identity::from_pem_files(&certificate, &broken_key)),
            &broken_key,
        ),
        (error(Trust::authorities_from_pem_file(&broken)), &broken),
    ] {
        let (error, message) = result;
        assert!(
            matches!(error, TlsConfigError::Malformed { .. }),
            "{error:?}"
        );
        names(&message, place);
        assert!(error.source().is_some());
    }
}

#[test]
fn a_certificate_that_is_pem_but_no_certificate() {
    let nonsense = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let (found, _) = error(Trust::authorities_from_pem(nonsense));
    assert!(
        matches!(found, TlsConfigError::Malformed { .. }),
        "{found:?}"
    );
    let pem = format!("{nonsense}{}", self_signed().key);
    let (found, _) = error(Identity::from_pem(pem));
    assert!(
        matches!(found, TlsConfigError::Malformed { .. }),
        "{found:?}"
    );
}

#[test]
fn a_key_of_another_pair() {
    let folder = Folder::new();
    let certificate = folder.write("certificate.pem", self_signed().certificate);
    let key = folder.write("key.pem", self_signed().key);
    let (error, message) = error(Identity::from_pem_files(&certificate, &key));
    assert!(matches!(error, TlsConfigError::Pair { .. }), "{error:?}");
    names(&message, &certificate);
    names(&message, &key);
    assert!(error.source().is_some());
}

#[test]
fn keys_of_kinds_that_nobody_knows() {
    let key = "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n";
    let (error, _) = error(Identity::from_pem(format!(
        "{}{key}",
        self_signed().certificate
    )));
    assert!(matches!(error, TlsConfigError::Pair { .. }), "{error:?}");
}

#[test]
fn bytes_in_der() {
    let (found, _) = error(Identity::from_der([b"hello".to_vec()], b"hello".to_vec()));
    assert!(
        matches!(found, TlsConfigError::Malformed { .. }),
        "{found:?}"
    );
    let key = rcgen::KeyPair::generate().unwrap().serialize_der();
    let (found, _) = error(Identity::from_der([], key));
    assert!(matches!(found, TlsConfigError::Pair { .. }), "{found:?}");
}
