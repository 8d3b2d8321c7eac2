//! Folders of certificates, and files that change.

use std::fs::File;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Authority, Folder, Pem, problem, self_signed, session, sessions, shake_with};
#[cfg(unix)]
use crate::tls::files::pem_files;
use crate::tls::{CertificateProblem, Identities, Tls, TlsConfigError, TlsSession, Trust};

/// A client that takes what it gets.
fn client() -> Tls {
    Tls::new().trust(Trust::anyone())
}

fn of_folder(folder: &Folder) -> Tls {
    Tls::new().identities(Identities::from_folder(&folder.0).unwrap())
}

/// The subject of the certificate that a client gets that seeks this host.
async fn shown(server: &Tls, host: &str) -> String {
    let (client, server) = shake_with(&client(), server, Some(host)).await;
    session(server);
    subject(&session(client))
}

fn subject(session: &TlsSession) -> String {
    session.peer().unwrap().subject.clone()
}

/// Makes sure that a file looks changed, however coarse the clock of the files is.
fn touch(folder: &Folder, name: &str) {
    let file = File::options()
        .append(true)
        .open(folder.0.join(name))
        .unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    file.set_modified(modified + Duration::from_secs(10))
        .unwrap();
}

#[tokio::test]
async fn each_name_leads_to_its_certificate() {
    let folder = Folder::new();
    let authority = Authority::new("Authority");
    let one = authority.sign(&["one.example", "uno.example"]);
    folder.write("one.pem", one.both());
    // The key in a file of its own, before the certificate, and in a folder below.
    let two = authority.sign(&["two.example"]);
    std::fs::create_dir(folder.0.join("more")).unwrap();
    folder.write("more/two.pem", &two.certificate);
    folder.write("a_key.pem", &two.key);
    let three = authority.sign(&["Three.Example"]);
    folder.write("three.pem", format!("{}{}", three.key, three.certificate));
    // These are not read.
    folder.write("four.crt", "nonsense");
    folder.write(
        "five.PEM",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    );

    let server = of_folder(&folder);
    for (host, expected) in [
        ("one.example", "CN=one.example"),
        ("uno.example", "CN=one.example"),
        ("two.example", "CN=two.example"),
        ("three.example", "CN=Three.Example"),
        ("THREE.example", "CN=Three.Example"),
    ] {
        assert_eq!(shown(&server, host).await, expected, "{host}");
    }
    // A client that trusts the authority looks at the name itself.
    let client = Tls::new().trust(authority.trust());
    let (client, _) = shake_with(&client, &server, Some("two.example")).await;
    session(client);
}

#[tokio::test]
async fn a_wildcard_stands_for_one_part_of_a_name() {
    let folder = Folder::new();
    let authority = Authority::new("Authority");
    folder.write("wild.pem", authority.sign(&["*.example"]).both());
    folder.write("one.pem", authority.sign(&["one.example"]).both());
    folder.write("first.pem", authority.sign(&["first"]).both());
    let server = of_folder(&folder);
    assert_eq!(shown(&server, "one.example").await, "CN=one.example");
    assert_eq!(shown(&server, "two.example").await, "CN=*.example");
    assert_eq!(shown(&server, "example").await, "CN=first");
    assert_eq!(shown(&server, "a.two.example").await, "CN=first");
}

/// As Twisted's `tls:` endpoint does.
#[tokio::test]
async fn an_unknown_name_leads_to_the_first() {
    let folder = Folder::new();
    let authority = Authority::new("Authority");
    folder.write("one.pem", authority.sign(&["one.example"]).both());
    folder.write("two.pem", authority.sign(&["two.example"]).both());
    let server = of_folder(&folder);
    assert_eq!(shown(&server, "three.example").await, "CN=one.example");
    let client = Tls::new().trust(authority.trust());
    let (client, _) = shake_with(&client, &server, Some("three.example")).await;
    let (problem, _) = problem(client);
    assert!(
        matches!(problem, CertificateProblem::WrongName { .. }),
        "{problem:?}"
    );
}

#[tokio::test]
async fn who_says_no_name_gets_the_first() {
    let folder = Folder::new();
    let authority = Authority::new("Authority");
    for name in ["c", "a", "b"] {
        folder.write(&format!("{name}.pem"), authority.sign(&[name]).both());
    }
    assert_eq!(shown(&of_folder(&folder), "127.0.0.1").await, "CN=a");
    // So does a server that asks its client for a certificate.
    let server = self_signed().tls().trust(Trust::anyone());
    let client = of_folder(&folder).trust(Trust::anyone());
    assert_eq!(subject(&sessions(&client, &server).await.1), "CN=a");
}

#[tokio::test]
async fn of_several_for_a_name_the_one_that_is_valid_longest() {
    let folder = Folder::new();
    let authority = Authority::new("Authority");
    let until = |organization: &str, from, to| {
        let pem = authority.sign_with(&["localhost"], |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
            params.distinguished_name = rcgen::DistinguishedName::new();
            params
                .distinguished_name
                .push(DnType::OrganizationName, organization);
        });
        pem.both()
    };
    folder.write("a.pem", until("expired", 2019, 2020));
    folder.write("b.pem", until("good", 2020, 3000));
    folder.write("c.pem", until("shorter", 2020, 2999));
    folder.write("d.pem", until("future", 2999, 3001));
    let server = of_folder(&folder);
    assert_eq!(shown(&server, "localhost").await, "O=good");
    assert_eq!(shown(&server, "127.0.0.1").await, "O=good");
}

#[tokio::test]
async fn certificates_in_between_are_sent_along() {
    let ca = |name: &str| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        (params, KeyPair::generate().unwrap())
    };
    let (root, root_key) = ca("Root");
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let root = Issuer::new(root, root_key);
    let (between, between_key) = ca("Between");
    let between_pem = between.signed_by(&between_key, &root).unwrap().pem();
    let between = Issuer::new(between, between_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([String::from("localhost")]).unwrap();
    let certificate = params.signed_by(&key, &between).unwrap().pem();

    let folder = Folder::new();
    folder.write("a.pem", &root_pem);
    folder.write("b.pem", &between_pem);
    folder.write("c.pem", format!("{certificate}{}", key.serialize_pem()));
    let client = Tls::new().trust(Trust::authorities_from_pem(&root_pem).unwrap());
    let (client, _) = sessions(&client, &of_folder(&folder)).await;
    // The root is of no use to the client.
    assert_eq!(client.peer().unwrap().chain.len(), 2);
}

#[test]
fn a_folder_that_is_of_no_use() {
    let folder = Folder::new();
    let path = folder.0.display().to_string();
    let error = || Identities::from_folder(&folder.0).unwrap_err();
    let is_missing = |error: &TlsConfigError| {
        matches!(error, TlsConfigError::Missing { what, place }
            if *what == "certificate with its private key" && place.contains(&path))
    };
    assert!(is_missing(&error()), "{:?}", error());
    // A key and a certificate that have nothing to do with each other.
    folder.write("one.pem", self_signed().certificate);
    folder.write("two.pem", self_signed().key);
    assert!(is_missing(&error()), "{:?}", error());

    let broken = folder.write(
        "three.pem",
        "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n",
    );
    let message = error().to_string();
    assert!(message.contains(&broken.display().to_string()), "{message}");
    assert!(
        matches!(error(), TlsConfigError::Malformed { .. }),
        "{:?}",
        error()
    );

    let none = folder.0.join("none");
    let error = Identities::from_folder(&none).unwrap_err();
    assert!(
        matches!(&error, TlsConfigError::File { path, .. } if *path == none),
        "{error:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn links_in_a_circle_are_followed_once() {
    let folder = Folder::new();
    folder.write("one.pem", self_signed().both());
    std::os::unix::fs::symlink(&folder.0, folder.0.join("again")).unwrap();
    assert_eq!(pem_files(&folder.0).unwrap(), [folder.0.join("one.pem")]);
    shown(&of_folder(&folder), "localhost").await;
}

/// Two files, and what reads them.
struct Pair {
    folder: Folder,
    identities: Identities,
    authority: Authority,
}

impl Pair {
    fn new() -> Self {
        let (folder, authority) = (Folder::new(), Authority::new("Authority"));
        let pem = authority.sign(&["old"]);
        let certificate = folder.write("certificate.pem", &pem.certificate);
        let key = folder.write("key.pem", &pem.key);
        let identities = Identities::from_pem_files(certificate, key).unwrap();
        Self {
            folder,
            identities,
            authority,
        }
    }

    fn write(&self, pem: &Pem) {
        self.folder.write("certificate.pem", &pem.certificate);
        self.folder.write("key.pem", &pem.key);
        touch(&self.folder, "certificate.pem");
    }

    fn renew(&self) {
        self.write(&self.authority.sign(&["new"]));
    }

    fn break_(&self) {
        self.folder.write("key.pem", "");
        touch(&self.folder, "key.pem");
    }
}

#[tokio::test(start_paused = true)]
async fn renewed_by_a_call() {
    let pair = Pair::new();
    let server = Tls::new().identities(pair.identities.clone());
    let client = client();
    let (open, held) = shake_with(&client, &server, Some("localhost")).await;
    let ((mut open, of_client), (mut held, _)) = (open.unwrap(), held.unwrap());
    // A session's tickets come with what is read.
    held.write_all(b"a").await.unwrap();
    held.flush().await.unwrap();
    assert_eq!(open.read_u8().await.unwrap(), b'a');

    pair.renew();
    assert_eq!(subject(&sessions(&client, &server).await.0), "CN=old");
    pair.identities.reload().unwrap();
    // The same client, which could resume its session.
    assert_eq!(subject(&sessions(&client, &server).await.0), "CN=new");

    // Who was there stays.
    assert_eq!(subject(&of_client), "CN=old");
    open.write_all(b"b").await.unwrap();
    open.flush().await.unwrap();
    assert_eq!(held.read_u8().await.unwrap(), b'b');
}

#[tokio::test(start_paused = true)]
async fn renewed_by_itself() {
    let pair = Pair::new();
    let server = Tls::new().identities(pair.identities.clone());
    pair.renew();
    tokio::time::advance(Duration::from_millis(999)).await;
    assert_eq!(shown(&server, "localhost").await, "CN=old");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(shown(&server, "localhost").await, "CN=new");
    // The next look is a second later.
    pair.write(&pair.authority.sign(&["newer"]));
    assert_eq!(shown(&server, "localhost").await, "CN=new");
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_keeps_the_old_until_it_is_mended() {
    let pair = Pair::new();
    let server = Tls::new().identities(pair.identities.clone());
    pair.break_();
    let error = pair.identities.reload().unwrap_err();
    assert!(matches!(error, TlsConfigError::Missing { .. }), "{error:?}");
    assert_eq!(shown(&server, "localhost").await, "CN=old");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(shown(&server, "localhost").await, "CN=old");
    pair.renew();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(shown(&server, "localhost").await, "CN=new");
}

#[tokio::test(start_paused = true)]
async fn what_was_broken_is_tried_again_though_it_looks_the_same() {
    let pair = Pair::new();
    let server = Tls::new().identities(pair.identities.clone());
    let new = pair.authority.sign(&["new"]);
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let path = pair.folder.0.join("key.pem");
    let write = |content: &str| {
        std::fs::write(&path, content).unwrap();
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(at)
            .unwrap();
    };
    pair.write(&new);
    write(&"x".repeat(new.key.len()));
    pair.identities.reload().unwrap_err();
    write(&new.key);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(shown(&server, "localhost").await, "CN=new");
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_changes() {
    let folder = Folder::new();
    let authority = Authority::new("Authority");
    folder.write("one.pem", authority.sign(&["one.example"]).both());
    let server = of_folder(&folder);
    folder.write("two.pem", authority.sign(&["two.example"]).both());
    assert_eq!(shown(&server, "two.example").await, "CN=one.example");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(shown(&server, "two.example").await, "CN=two.example");
    std::fs::remove_file(folder.0.join("one.pem")).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(shown(&server, "one.example").await, "CN=two.example");
    // Nothing is left, so the last stays.
    std::fs::remove_dir_all(&folder.0).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(shown(&server, "two.example").await, "CN=two.example");
}

#[tokio::test(start_paused = true)]
async fn a_clients_certificate_is_renewed_too() {
    let pair = Pair::new();
    let server = self_signed().tls().trust(pair.authority.trust());
    let client = client().identities(pair.identities.clone());
    assert_eq!(subject(&sessions(&client, &server).await.1), "CN=old");
    pair.renew();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(subject(&sessions(&client, &server).await.1), "CN=new");
    pair.write(&Authority::new("Stranger").sign(&["other"]));
    tokio::time::advance(Duration::from_secs(1)).await;
    let (_, server) = shake_with(&client, &server, None).await;
    assert_eq!(problem(server).0, CertificateProblem::UnknownAuthority);
}

#[test]
fn what_was_given_is_not_read_again() {
    let identities = Identities::from(self_signed().identity());
    identities.reload().unwrap();
}
