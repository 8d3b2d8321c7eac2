//! Certificates that are refused, and how each side learns of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf, duplex};

use super::support::{
    Authority, Outcome, problem, refusal, self_signed, session, shake, shake_with,
};
use crate::EndReason;
use crate::tls::{CertificateProblem, Role, Tls, TlsError, Trust};
use crate::transport::BoxedStream;

/// What the peer learns of a refusal.
#[track_caller]
fn alert(outcome: Outcome) -> (String, String) {
    let error = refusal(outcome);
    let message = error.to_string();
    match error {
        TlsError::RefusedByPeer { alert } => (alert, message),
        error => panic!("expected an alert, got {error:?}"),
    }
}

#[tokio::test]
async fn a_certificate_for_other_names() {
    let authority = Authority::new("Authority");
    let server = authority.sign(&["one.example", "10.0.0.1"]).tls();
    let client = Tls::new().trust(authority.trust());
    let (client, server) = shake_with(&client, &server, Some("two.example")).await;

    let (problem, message) = problem(client);
    let CertificateProblem::WrongName {
        expected,
        presented,
    } = problem
    else {
        panic!("expected a wrong name, got {problem:?}");
    };
    assert_eq!(expected, "two.example");
    assert_eq!(presented, ["one.example", "10.0.0.1"]);
    assert_eq!(
        message,
        "the peer's certificate is refused: it is not for \"two.example\" but for one.example, 10.0.0.1; \
         connect by one of its names, or set the name with Tls::server_name"
    );
    let (alert, message) = alert(server);
    assert_eq!(alert, "BadCertificate");
    assert!(message.contains("its log says more"), "{message}");
}

#[tokio::test]
async fn an_address_is_no_name_of_a_certificate_without_it() {
    let authority = Authority::new("Authority");
    let server = authority.sign(&["localhost"]).tls();
    let client = Tls::new().trust(authority.trust());
    let (client, _) = shake_with(&client, &server, Some("127.0.0.1")).await;
    let (problem, message) = problem(client);
    assert!(
        matches!(&problem, CertificateProblem::WrongName { expected, .. } if expected == "127.0.0.1"),
        "{problem:?}"
    );
    assert!(message.contains("but for localhost;"), "{message}");
}

#[tokio::test]
async fn a_certificate_without_names() {
    let authority = Authority::new("Authority");
    let server = authority.sign(&[]).tls();
    let client = Tls::new().trust(authority.trust());
    let (_, message) = problem(shake(&client, &server).await.0);
    assert!(message.contains("but for no name at all"), "{message}");
}

#[tokio::test]
async fn an_expired_certificate() {
    let authority = Authority::new("Authority");
    let server = authority.sign_with(&["localhost"], |params| {
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let client = Tls::new().trust(authority.trust());
    let (client, server) = shake(&client, &server.tls()).await;
    let (problem, message) = problem(client);
    assert_eq!(problem, CertificateProblem::Expired);
    assert!(message.contains("expired; renew it"), "{message}");
    let (alert, message) = alert(server);
    assert_eq!(alert, "CertificateExpired");
    assert!(message.contains("renew"), "{message}");
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_yet() {
    let authority = Authority::new("Authority");
    let server = authority.sign_with(&["localhost"], |params| {
        params.not_before = date_time_ymd(3000, 1, 1);
        params.not_after = date_time_ymd(3001, 1, 1);
    });
    let client = Tls::new().trust(authority.trust());
    let (problem, message) = problem(shake(&client, &server.tls()).await.0);
    assert_eq!(problem, CertificateProblem::NotValidYet);
    assert!(message.contains("are both clocks right?"), "{message}");
}

#[tokio::test]
async fn a_certificate_signed_by_itself_or_by_a_stranger() {
    let authority = Authority::new("Authority");
    let client = Tls::new().trust(authority.trust());
    let stranger = Authority::new("Stranger").sign(&["localhost"]);
    for server in [self_signed().tls(), stranger.tls()] {
        let (client, server) = shake(&client, &server).await;
        let (problem, message) = problem(client);
        assert_eq!(problem, CertificateProblem::UnknownAuthority);
        assert!(message.contains("Tls::trust"), "{message}");
        let (alert, message) = alert(server);
        assert_eq!(alert, "UnknownCA");
        assert!(message.contains("authority"), "{message}");
    }
}

#[tokio::test]
async fn the_systems_authorities_know_nobody_of_ours() {
    let server = Authority::new("Authority").sign(&["localhost"]).tls();
    let error = refusal(shake(&Tls::new(), &server).await.0);
    // A system without authorities says so.
    match error {
        TlsError::Certificate(problem) => assert_eq!(problem, CertificateProblem::UnknownAuthority),
        TlsError::Other(source) => assert!(source.to_string().contains("authorities"), "{source}"),
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_key_that_is_not_the_pinned_one() {
    let client = Tls::new().trust(Trust::key([7; 32]));
    let (problem, message) = problem(shake(&client, &self_signed().tls()).await.0);
    assert_eq!(problem, CertificateProblem::WrongKey);
    assert!(message.contains("Trust::key"), "{message}");
}

#[tokio::test]
async fn a_certificate_for_another_purpose() {
    let authority = Authority::new("Authority");
    let of = |purpose| {
        let pem = authority.sign_with(&["localhost"], |params| {
            params.extended_key_usages = vec![purpose];
        });
        pem.tls().trust(authority.trust())
    };
    let for_clients = of(ExtendedKeyUsagePurpose::ClientAuth);
    let for_servers = of(ExtendedKeyUsagePurpose::ServerAuth);
    let (_, server) = shake(&for_clients, &for_servers).await;
    assert!(server.is_ok());

    let (client, _) = shake(&for_clients, &for_clients).await;
    let (found, message) = problem(client);
    assert_eq!(found, CertificateProblem::WrongPurpose);
    assert!(message.contains("role"), "{message}");
    let (_, server) = shake(&for_servers, &for_servers).await;
    assert_eq!(problem(server).0, CertificateProblem::WrongPurpose);
}

/// As `openssl req -x509` makes them by itself.
#[tokio::test]
async fn a_certificate_of_an_authority_that_is_trusted() {
    let authority = Authority::new("Authority");
    let own = authority.sign_with(&["localhost"], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let side = own.tls().trust(authority.trust());
    let good = authority
        .sign(&["localhost"])
        .tls()
        .trust(authority.trust());
    let (client, _) = shake(&side, &side).await;
    let (found, message) = problem(client);
    assert_eq!(found, CertificateProblem::Authority);
    assert!(message.contains("CA:FALSE"), "{message}");
    let (_, server) = shake(&side, &good).await;
    assert_eq!(problem(server).0, CertificateProblem::Authority);
}

/// With TLS 1.3 the client is done before the server has seen its certificate: it learns of a refusal
/// when it reads.
async fn behind_the_handshake(outcome: Outcome) -> String {
    let (mut stream, _) = outcome.unwrap();
    let error = match stream.read_u8().await {
        Ok(byte) => panic!("read {byte}"),
        Err(error) => error,
    };
    match EndReason::from(error) {
        EndReason::Tls(error) => error.to_string(),
        reason => panic!("expected a failure of TLS, got {reason:?}"),
    }
}

#[tokio::test]
async fn a_client_without_a_certificate() {
    let authority = Authority::new("Authority");
    let server = authority
        .sign(&["localhost"])
        .tls()
        .trust(authority.trust());
    let client = Tls::new().trust(authority.trust());
    let (client, server) = shake(&client, &server).await;
    let (problem, message) = problem(server);
    assert_eq!(problem, CertificateProblem::Missing);
    assert!(message.contains("this side demands one"), "{message}");
    let message = behind_the_handshake(client).await;
    assert!(message.contains("CertificateRequired"), "{message}");
    assert!(message.contains("Tls::identity"), "{message}");
}

#[tokio::test]
async fn a_client_of_another_authority() {
    let authority = Authority::new("Authority");
    let server = authority
        .sign(&["localhost"])
        .tls()
        .trust(authority.trust());
    let stranger = Authority::new("Stranger").sign(&["client"]);
    let client = stranger.tls().trust(authority.trust());
    let (client, server) = shake(&client, &server).await;
    assert_eq!(problem(server).0, CertificateProblem::UnknownAuthority);
    let message = behind_the_handshake(client).await;
    assert!(message.contains("UnknownCA"), "{message}");
}

#[tokio::test]
async fn a_client_with_another_key_than_the_pinned_one() {
    let server = self_signed().tls().trust(Trust::key([7; 32]));
    let client = self_signed().tls().trust(Trust::anyone());
    let (client, server) = shake(&client, &server).await;
    assert_eq!(problem(server).0, CertificateProblem::WrongKey);
    behind_the_handshake(client).await;
}

#[tokio::test]
async fn a_server_without_a_certificate() {
    let (_, server) = shake(&Tls::new().trust(Trust::anyone()), &Tls::new()).await;
    let error = refusal(server);
    assert!(matches!(error, TlsError::NoIdentity), "{error:?}");
    assert!(error.to_string().contains("Tls::identity"));
}

#[tokio::test]
async fn a_server_whose_name_is_not_known_or_is_no_name() {
    let server = self_signed().tls();
    let (client, _) = shake_with(&Tls::new(), &server, None).await;
    let error = refusal(client);
    assert!(matches!(error, TlsError::NoServerName), "{error:?}");
    assert!(error.to_string().contains("Tls::server_name"));

    let (client, _) = shake_with(&Tls::new(), &server, Some("not a name")).await;
    let error = refusal(client);
    assert!(
        matches!(&error, TlsError::BadServerName(name) if name == "not a name"),
        "{error:?}"
    );
    assert!(error.to_string().contains("\"not a name\""));
}

#[tokio::test]
async fn where_no_name_is_checked_none_has_to_be_known() {
    let client = Tls::new().trust(Trust::anyone());
    let server = self_signed().tls();
    for host in [None, Some("not a name")] {
        let (client, server) = shake_with(&client, &server, host).await;
        // Nor is one said.
        assert_eq!(session(client).server_name(), None);
        assert_eq!(session(server).server_name(), None);
    }
}

/// A stream that takes one slice at a time.
struct OneByOne(DuplexStream);

impl AsyncRead for OneByOne {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for OneByOne {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_refusal_arrives_over_any_stream() {
    let (near, far) = duplex(64 * 1024);
    let client = Tls::new().trust(Trust::key([7; 32]));
    let server = self_signed().tls();
    let (_, server) = tokio::join!(
        client.handshake(BoxedStream::new(OneByOne(near)), Role::Client, None),
        server.handshake(BoxedStream::new(OneByOne(far)), Role::Server, None),
    );
    let error = refusal(server);
    assert!(matches!(error, TlsError::RefusedByPeer { .. }), "{error:?}");
}
