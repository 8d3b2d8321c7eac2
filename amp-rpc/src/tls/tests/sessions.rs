//! Handshakes that succeed, and what each side then knows of the other.

use std::sync::Arc;

use rcgen::{DistinguishedName, DnType, DnValue, SanType};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use x509_parser::parse_x509_certificate;

use super::support::{
    Authority, Folder, Outcome, refusal, self_signed, session, sessions, shake_with,
};
use crate::tls::provider::{provider, sha256};
use crate::tls::verifier::Verifier;
use crate::tls::{Role, Tls, TlsError, TlsSession, Trust};
use crate::transport::BoxedStream;

#[tokio::test]
async fn bytes_go_both_ways() {
    let server = self_signed().tls();
    let client = Tls::new().trust(Trust::anyone());
    let (client, server) = shake_with(&client, &server, None).await;
    let ((mut client, _), (mut server, _)) = (client.unwrap(), server.unwrap());
    let mut buffer = [0; 5];
    client.write_all(b"hello").await.unwrap();
    client.flush().await.unwrap();
    server.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"hello");
    server.write_all(b"world").await.unwrap();
    server.flush().await.unwrap();
    client.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"world");
}

#[tokio::test]
async fn who_the_server_is() {
    let authority = Authority::new("Authority");
    let pem = authority.sign_with(&["localhost", "127.0.0.1", "::1", "*.example"], |params| {
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Example");
        let address = SanType::Rfc822Name("root@example".try_into().unwrap());
        params.subject_alt_names.push(address);
        let uri = SanType::URI("amp://localhost".try_into().unwrap());
        params.subject_alt_names.push(uri);
    });
    // The chain is what the server sends, so the authority's is in it if it is in the file.
    let chain = format!("{}{}", pem.certificate, authority.pem);
    let server = crate::tls::Identity::from_pem(format!("{chain}{}", pem.key)).unwrap();
    let server = Tls::new().identity(server);
    let client = Tls::new().trust(authority.trust());
    let (client, server) = sessions(&client, &server).await;

    assert_eq!(client.version(), "TLSv1.3");
    assert!(client.cipher_suite().starts_with("TLS13_"), "{client:?}");
    assert!(client.is_client());
    assert_eq!(client.server_name(), Some("localhost"));
    assert_eq!(client.alpn(), None);
    let peer = client.peer().unwrap();
    assert_eq!(peer.subject, "O=Example,CN=localhost");
    let names = [
        "localhost",
        "127.0.0.1",
        "::1",
        "*.example",
        "root@example",
        "amp://localhost",
    ];
    assert_eq!(peer.names, names);
    let expected: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .map(|certificate| certificate.unwrap().to_vec())
        .collect();
    assert_eq!(peer.chain, expected);

    assert_eq!(server.version(), "TLSv1.3");
    assert_eq!(server.cipher_suite(), client.cipher_suite());
    assert!(!server.is_client());
    assert_eq!(server.server_name(), Some("localhost"));
    assert_eq!(server.peer(), None);
}

/// The subject that a certificate with such attributes, in their order, has for its peer.
async fn subject_of(attributes: &[(DnType, DnValue)]) -> String {
    let authority = Authority::new("Authority");
    let pem = authority.sign_with(&["localhost"], |params| {
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in attributes {
            (params.distinguished_name).push(kind.clone(), value.clone());
        }
    });
    let client = Tls::new().trust(authority.trust());
    let (client, _) = sessions(&client, &pem.tls()).await;
    client.peer().unwrap().subject.clone()
}

/// The expected texts are what RFC 4514 makes of these values.
#[tokio::test]
async fn no_part_of_a_subject_looks_like_another() {
    let text = |text: &str| DnValue::Utf8String(text.to_owned());
    let forged = [
        (DnType::OrganizationName, text("Guests")),
        (DnType::CommonName, text("alice,O=Admins+CN=root")),
    ];
    assert_eq!(
        subject_of(&forged).await,
        r"CN=alice\,O=Admins\+CN=root,O=Guests"
    );
    for (value, expected) in [
        ("Lučić", "CN=Lučić"),
        (" a  b ", r"CN=\ a  b\ "),
        (" ", r"CN=\ "),
        ("#a#", r"CN=\#a#"),
        (r#"a"b\c;d<e>"#, r#"CN=a\"b\\c\;d\<e\>"#),
        ("a\nb\0", r"CN=a\0Ab\00"),
        ("a\u{85}b", r"CN=a\C2\85b"),
        ("", "CN="),
    ] {
        let attributes = [(DnType::CommonName, text(value))];
        assert_eq!(subject_of(&attributes).await, expected);
    }
    // An attribute without a name, and texts of other kinds.
    let attributes = [
        (DnType::CustomDnType(vec![2, 5, 4, 12]), text("Dr")),
        (
            DnType::CommonName,
            DnValue::BmpString("é,".try_into().unwrap()),
        ),
        (
            DnType::CountryName,
            DnValue::PrintableString("CH".try_into().unwrap()),
        ),
        (
            DnType::LocalityName,
            DnValue::TeletexString("Z".try_into().unwrap()),
        ),
    ];
    assert_eq!(
        subject_of(&attributes).await,
        r"L=#14015a,C=CH,CN=é\,,2.5.4.12=#0c024472"
    );
    assert_eq!(subject_of(&[]).await, "");
}

#[tokio::test]
async fn a_server_may_be_sought_by_its_address() {
    let authority = Authority::new("Authority");
    let server = authority.sign(&["127.0.0.1", "::1"]).tls();
    let client = Tls::new().trust(authority.trust());
    for host in ["127.0.0.1", "::1"] {
        let (client, server) = shake_with(&client, &server, Some(host)).await;
        assert_eq!(session(client).server_name(), Some(host));
        // Addresses are not said in the handshake.
        assert_eq!(session(server).server_name(), None);
    }
}

#[tokio::test]
async fn the_name_that_is_set_goes_before_the_endpoints() {
    let authority = Authority::new("Authority");
    let server = authority.sign(&["one.example"]).tls();
    let client = Tls::new()
        .trust(authority.trust())
        .server_name("one.example");
    let (client, server) = sessions(&client, &server).await;
    assert_eq!(client.server_name(), Some("one.example"));
    assert_eq!(server.server_name(), Some("one.example"));
}

#[tokio::test]
async fn who_the_client_is() {
    let authority = Authority::new("Authority");
    let server = authority
        .sign(&["localhost"])
        .tls()
        .trust(authority.trust());
    let client = authority
        .sign(&["client.example"])
        .tls()
        .trust(authority.trust());
    let (client, server) = sessions(&client, &server).await;
    assert_eq!(server.peer().unwrap().subject, "CN=client.example");
    assert_eq!(server.peer().unwrap().names, ["client.example"]);
    assert_eq!(client.peer().unwrap().subject, "CN=localhost");
}

#[tokio::test]
async fn one_tls_serves_in_both_roles() {
    let authority = Authority::new("Authority");
    let tls = authority
        .sign(&["localhost"])
        .tls()
        .trust(authority.trust());
    for _ in 0..3 {
        let (client, server) = sessions(&tls, &tls).await;
        assert!(client.is_client() && !server.is_client());
        assert_eq!(client.peer(), server.peer());
    }
}

#[tokio::test]
async fn anyone_is_anyone_in_both_roles() {
    let server = self_signed().tls().trust(Trust::anyone());
    let nobody = Tls::new().trust(Trust::anyone());
    assert_eq!(sessions(&nobody, &server).await.1.peer(), None);
    let somebody = self_signed().tls().trust(Trust::anyone());
    assert!(sessions(&somebody, &server).await.1.peer().is_some());
}

#[tokio::test]
async fn under_any_name_the_authority_is_enough() {
    let authority = Authority::new("Authority");
    let server = authority.sign(&["one.example"]).tls();
    let client = Tls::new().trust(authority.trust().under_any_name());
    for host in [None, Some("two.example")] {
        let (client, server) = shake_with(&client, &server, host).await;
        assert_eq!(session(client).server_name(), host);
        assert_eq!(session(server).server_name(), host);
    }
    let stranger = Authority::new("Stranger").sign(&["one.example"]).tls();
    let (client, _) = shake_with(&client, &stranger, None).await;
    assert!(matches!(refusal(client), TlsError::Certificate(_)));
}

#[tokio::test]
async fn a_pinned_key_is_enough_whatever_else_is_wrong() {
    let pem = Authority::new("Authority").sign_with(&["other.example"], |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let der = CertificateDer::from_pem_slice(pem.certificate.as_bytes()).unwrap();
    let (_, certificate) = parse_x509_certificate(&der).unwrap();
    let key = Trust::key(sha256(certificate.public_key().raw).unwrap());
    let tls = pem.tls().trust(key);
    let (client, server) = sessions(&tls, &tls).await;
    assert!(client.peer().is_some() && server.peer().is_some());
}

#[tokio::test]
async fn a_folder_of_authorities() {
    let folder = Folder::new();
    let (one, two) = (Authority::new("One"), Authority::new("Two"));
    folder.write("one.pem", &one.pem);
    folder.write("two.PEM", &two.pem);
    folder.write("key.pem", self_signed().key);
    folder.write("three.txt", Authority::new("Three").pem);
    let client = Tls::new().trust(Trust::authorities_from_folder(&folder.0).unwrap());
    for authority in [one, two] {
        sessions(&client, &authority.sign(&["localhost"]).tls()).await;
    }
    let trust = Trust::authorities_from_folder(&folder.0).unwrap();
    assert!(format!("{trust:?}").contains("Authorities(2)"), "{trust:?}");
}

#[tokio::test]
async fn a_file_of_authorities() {
    let folder = Folder::new();
    let (one, two) = (Authority::new("One"), Authority::new("Two"));
    let path = folder.write("both.pem", format!("{}{}", one.pem, two.pem));
    let client = Tls::new().trust(Trust::authorities_from_pem_file(path).unwrap());
    for authority in [one, two] {
        sessions(&client, &authority.sign(&["localhost"]).tls()).await;
    }
}

#[tokio::test]
async fn amp_is_agreed_on_where_both_say_so() {
    let server = self_signed().tls();
    let client = Tls::new().trust(Trust::anyone());
    for (of_client, of_server) in [(true, true), (true, false), (false, true), (false, false)] {
        let client = client.clone().alpn(of_client);
        let server = server.clone().alpn(of_server);
        let (client, server) = sessions(&client, &server).await;
        let expected = (of_client && of_server).then_some(&b"amp"[..]);
        assert_eq!(client.alpn(), expected);
        assert_eq!(server.alpn(), expected);
    }
}

/// A client that is not ours, as far as versions and protocols go.
async fn with_other_client(
    server: &Tls,
    change: impl FnOnce(&mut ClientConfig),
    only_12: bool,
) -> (bool, Outcome) {
    let versions = if only_12 { [&TLS12] } else { [&TLS13] };
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider()))
        .with_protocol_versions(&versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(&Trust::anyone()).unwrap()))
        .with_no_client_auth();
    change(&mut config);
    let (near, far) = duplex(64 * 1024);
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    let (client, server) = tokio::join!(
        connector.connect(name, near),
        server.handshake(BoxedStream::new(far), Role::Server, None)
    );
    (client.is_ok(), server)
}

#[tokio::test]
async fn a_peer_that_only_speaks_tls_1_2() {
    let server = self_signed().tls();
    let (client_is_done, outcome) = with_other_client(&server, |_| {}, true).await;
    assert!(client_is_done);
    let server: TlsSession = session(outcome);
    assert_eq!(server.version(), "TLSv1.2");
    assert!(
        server.cipher_suite().starts_with("TLS_ECDHE_"),
        "{server:?}"
    );
}

#[tokio::test]
async fn with_tls_1_2_refusals_are_learned_within_the_handshake() {
    let authority = Authority::new("Authority");
    let server = authority
        .sign(&["localhost"])
        .tls()
        .trust(authority.trust());
    let (client_is_done, outcome) = with_other_client(&server, |_| {}, true).await;
    assert!(!client_is_done);
    let error = refusal(outcome);
    assert!(matches!(error, TlsError::Certificate(_)), "{error:?}");
}

#[tokio::test]
async fn a_peer_that_offers_only_other_protocols() {
    let offer = |config: &mut ClientConfig| config.alpn_protocols = vec![b"h2".to_vec()];
    let server = self_signed().tls();
    let (_, outcome) = with_other_client(&server, offer, false).await;
    assert_eq!(session(outcome).alpn(), None);

    let (client_is_done, outcome) = with_other_client(&server.alpn(true), offer, false).await;
    assert!(!client_is_done);
    let error = refusal(outcome);
    assert!(matches!(error, TlsError::OtherProtocol), "{error:?}");
    assert!(error.to_string().contains("Tls::alpn"), "{error}");
}

#[cfg(feature = "temporary-certificate")]
#[tokio::test]
async fn a_temporary_certificate() {
    let tls = Tls::new().identity(crate::tls::Identity::temporary().unwrap());
    let client = Tls::new().trust(Trust::anyone());
    let (client, _) = sessions(&client, &tls).await;
    assert_eq!(client.peer().unwrap().names, ["localhost"]);
    let (client, _) = shake_with(
        &Tls::new().trust(Authority::new("A").trust()),
        &tls,
        Some("localhost"),
    )
    .await;
    assert!(matches!(refusal(client), TlsError::Certificate(_)));
}
