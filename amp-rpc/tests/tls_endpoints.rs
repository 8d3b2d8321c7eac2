//! Endpoints with TLS from the first byte.

#![cfg(feature = "tls")]

mod tls_support;

use std::error::Error;
use std::path::PathBuf;

use amp_rpc::{
    Amp, Answer, CertificateProblem, Command, ConnectEndpoint, ConnectError, Fields,
    ListenEndpoint, ListenError, Peer, Responders, Server, Tls, TlsError, Trust,
};
use tls_support::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Command)]
#[amp(response = Seen)]
struct WhoAmI {}

/// What the server sees of its client.
#[derive(Debug, PartialEq, Fields)]
struct Seen {
    subject: Option<String>,
    version: Option<String>,
    sought: Option<String>,
}

async fn who_am_i(_: WhoAmI, peer: Peer) -> Answer<WhoAmI> {
    let session = peer.tls();
    Ok(Seen {
        subject: session
            .and_then(|session| session.peer())
            .map(|peer| peer.subject.clone()),
        version: session.map(|session| session.version().to_owned()),
        sought: session.and_then(|session| session.server_name().map(str::to_owned)),
    })
}

fn seeing() -> Amp {
    Amp::new().locator(Responders::new().on_with_peer(who_am_i))
}

fn port(server: &Server) -> String {
    let endpoint = server.endpoint().to_string();
    endpoint.rsplit(':').next().unwrap().to_owned()
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("amp-rpc-tls-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn tls_is_put_around_an_endpoint() {
    let authority = Authority::new("authority");
    let trusting = authority.server().trust(authority.trust());
    let endpoint = ListenEndpoint::tcp("127.0.0.1", 0).tls(trusting);
    let server = seeing().listen_on(&endpoint).await.unwrap();
    let client = authority.client().identity(authority.identity(&["alice"]));
    let endpoint = server.endpoint().clone().tls(client);
    let peer = Amp::new().connect_to(&endpoint).await.unwrap();
    let seen = peer.call(WhoAmI {}).await.unwrap();
    assert_eq!(seen.subject.as_deref(), Some("CN=alice"));
    assert_eq!(seen.version.as_deref(), Some("TLSv1.3"));
    assert_eq!(seen.sought.as_deref(), Some("localhost"));
    assert_eq!(peer.tls().unwrap().peer().unwrap().names, ["localhost"]);
}

#[tokio::test]
async fn ssl_is_written_with_files() {
    let folder = Folder::new("ssl");
    let authority = Authority::new("authority");
    let pem = authority.issue(&["localhost"]);
    let split = pem.find("-----BEGIN PRIVATE").unwrap();
    let certificate = folder.file("server.pem", &pem[..split]);
    let key = folder.file("server.key", &pem[split..]);
    folder.file("ca.pem", &authority.pem());
    let client = folder.file("client.both", &authority.issue(&["bob"]));

    let listen = format!("ssl:0:privateKey={key}:certKey={certificate}:interface=127.0.0.1");
    let server = seeing().listen(&listen).await.unwrap();
    let port = port(&server);
    let authorities = Folder::new("ssl-authorities");
    authorities.file("ca.pem", &authority.pem());
    let connect = format!(
        "ssl:127.0.0.1:{port}:hostname=localhost:caCertsDir={}:certKey={client}",
        authorities.path()
    );
    let peer = Amp::new().connect(&connect).await.unwrap();
    let seen = peer.call(WhoAmI {}).await.unwrap();
    assert_eq!(seen.subject, None, "the server asks for no certificate");
    assert_eq!(seen.sought.as_deref(), Some("localhost"));

    // Without `hostname` it is the host that counts.
    let connect = format!("ssl:127.0.0.1:{port}:caCertsDir={}", authorities.path());
    let error = Amp::new().connect(&connect).await.unwrap_err();
    let ConnectError::Tls { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(matches!(
        source,
        TlsError::Certificate(CertificateProblem::WrongName { .. })
    ));
    let text = whole(&error);
    assert!(
        text.contains("127.0.0.1") && text.contains("localhost"),
        "{text}"
    );
    for verify in ["anyname", "nothing"] {
        let connect = format!("{connect}:verify={verify}");
        Amp::new().connect(&connect).await.unwrap();
    }
    // The system does not know this authority.
    let connect = format!("ssl:localhost:{port}");
    let error = Amp::new().connect(&connect).await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
    let connect = format!("ssl:localhost:{port}:verify=nothing");
    Amp::new().connect(&connect).await.unwrap();
}

#[tokio::test]
async fn tls_chooses_from_a_folder_by_name() {
    let (certificates, authorities) = (Folder::new("folder"), Folder::new("folder-authorities"));
    let authority = Authority::new("authority");
    authorities.file("ca.pem", &authority.pem());
    for name in ["one.example", "two.example"] {
        certificates.file(&format!("{name}.pem"), &authority.issue(&[name]));
    }
    let listen = format!("tls:{}:0:interface=127.0.0.1", certificates.path());
    let server = seeing().listen(&listen).await.unwrap();
    for name in ["one.example", "two.example"] {
        let connect = format!(
            "tls:{name}:1:trustRoots={}:endpoint=tcp\\:127.0.0.1\\:{}",
            authorities.path(),
            port(&server)
        );
        let peer = Amp::new().connect(&connect).await.unwrap();
        assert_eq!(peer.tls().unwrap().peer().unwrap().names, [name]);
        assert_eq!(
            peer.call(WhoAmI {}).await.unwrap().sought.as_deref(),
            Some(name)
        );
    }
}

#[tokio::test]
async fn a_slow_handshake_keeps_nobody_waiting_and_a_failed_one_disturbs_nobody() {
    let authority = Authority::new("authority");
    let endpoint = ListenEndpoint::tcp("127.0.0.1", 0).tls(authority.server());
    let server = seeing().listen_on(&endpoint).await.unwrap();
    let address = format!("127.0.0.1:{}", port(&server));
    let endpoint = server.endpoint().clone().tls(authority.client());
    let open = Amp::new().connect_to(&endpoint).await.unwrap();
    let _silent = TcpStream::connect(&address).await.unwrap();
    let mut wrong = TcpStream::connect(&address).await.unwrap();
    wrong
        .write_all(b"\0\x04_ask\0\x011\0\x08_command\0\x01x\0\0")
        .await
        .unwrap();
    let mut alert = Vec::new();
    // It gets an alert, or is reset because it sent more than was read.
    let _ = wrong.read_to_end(&mut alert).await;
    let mut cut = TcpStream::connect(&address).await.unwrap();
    cut.write_all(b"\x16\x03\x01").await.unwrap();
    drop(cut);
    let stranger = server
        .endpoint()
        .clone()
        .tls(Authority::new("stranger").client());
    assert!(Amp::new().connect_to(&stranger).await.is_err());
    let late = Amp::new().connect_to(&endpoint).await.unwrap();
    for peer in [&open, &late] {
        assert!(peer.call(WhoAmI {}).await.is_ok());
    }
}

#[tokio::test]
async fn a_server_in_plain_text_is_named() {
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    let answering = tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let tls = Tls::new().trust(Trust::anyone());
    let endpoint = ConnectEndpoint::tcp("127.0.0.1", port).tls(tls);
    let error = Amp::new().connect_to(&endpoint).await.unwrap_err();
    let text = whole(&error);
    assert!(
        text.contains("does not speak TLS") && text.contains("HTTP"),
        "{text}"
    );
    answering.abort();
}

#[tokio::test]
async fn tls_spoken_to_a_plain_port_is_named() {
    let server = seeing().listen("tcp:0:interface=127.0.0.1").await.unwrap();
    let tls = Tls::new().trust(Trust::anyone());
    let endpoint = server.endpoint().clone().tls(tls);
    let error = Amp::new().connect_to(&endpoint).await.unwrap_err();
    let text = whole(&error);
    assert!(text.contains("may not speak TLS"), "{text}");
    // And on the other side:
    let (left, right) = tokio::io::duplex(4096);
    let plain = Amp::new().over(left);
    let mut raw = right;
    raw.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        .await
        .unwrap();
    let text = whole(&plain.closed().await);
    assert!(text.contains("TLS"), "{text}");
}

#[tokio::test]
async fn what_is_wrong_with_files_is_said_before_anything_is_opened() {
    let folder = Folder::new("wrong");
    let empty = folder.file("empty.pem", "");
    let error = Amp::new()
        .listen("ssl:0:privateKey=/nowhere/key.pem")
        .await
        .unwrap_err();
    assert!(matches!(error, ListenError::TlsConfig { .. }), "{error:?}");
    assert!(
        whole(&error).contains("/nowhere/key.pem"),
        "{}",
        whole(&error)
    );
    let error = Amp::new()
        .listen(&format!("ssl:0:privateKey={empty}"))
        .await
        .unwrap_err();
    assert!(
        whole(&error).contains("no certificate in"),
        "{}",
        whole(&error)
    );
    let endpoint = ListenEndpoint::tcp("127.0.0.1", 0).tls(Tls::new());
    let error = Amp::new().listen_on(&endpoint).await.unwrap_err();
    assert!(
        matches!(error, ListenError::NoCertificate { .. }),
        "{error:?}"
    );
    let error = Amp::new()
        .connect("tls:localhost:1:trustRoots=/nowhere")
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::TlsConfig { .. }), "{error:?}");
}

#[test]
fn strings_are_read_and_written() {
    for text in [
        "ssl:localhost:8443",
        "ssl:localhost:8443:hostname=example.org:bindAddress=127.0.0.1:certKey=a.pem:privateKey=b.pem:caCertsDir=c:verify=anyname:timeout=3",
        "tls:example.org:443",
        r"tls:example.org:443:endpoint=unix\:/run/x.sock:certificate=a.pem:privateKey=b.pem:trustRoots=c:verify=nothing",
    ] {
        let endpoint: ConnectEndpoint = text.parse().unwrap();
        assert_eq!(endpoint.to_string(), text);
        assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
    }
    for (text, written) in [
        ("ssl:8443", "ssl:8443:privateKey=server.pem"),
        (
            "ssl:8443:k.pem:c.pem:TLSv1_METHOD:127.0.0.1:7:chain.pem:dh.pem",
            "ssl:8443:privateKey=k.pem:certKey=c.pem:extraCertChain=chain.pem:interface=127.0.0.1:backlog=7",
        ),
        ("tls:/etc/certs", "tls:/etc/certs:443"),
        (
            r"tls:/etc/certs:1:9:\:\:1",
            r"tls:/etc/certs:1:interface=\:\:1:backlog=9",
        ),
        (r"haproxy:tls:/etc/certs:1", r"haproxy:tls:/etc/certs:1"),
    ] {
        let endpoint: ListenEndpoint = text.parse().unwrap();
        assert_eq!(endpoint.to_string(), written);
        assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
    }
    for (text, problem) in [
        ("ssl:localhost:0", "port"),
        ("ssl:localhost:1:verify=no", "full, anyname or nothing"),
        ("tls:localhost:1:endpoint=nonsense", "nonsense"),
        ("tls:localhost", "port"),
    ] {
        let error = text.parse::<ConnectEndpoint>().unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}
