//! We listen and Twisted connects.

use amp_rpc::{Amp, Compat, Identity, ListenEndpoint, Tls, TlsConfigError};
use serde_json::{Value, json};

use crate::support::certificates::{Authority, Folder};
use crate::support::succeed;
use crate::{LONG, port, seeing, soon, twisted};

/// What Twisted prints for a call.
async fn calls(arguments: &[&str]) -> Value {
    let mut call = twisted("call");
    call.args(arguments);
    let out = tokio::task::spawn_blocking(move || succeed(&mut call));
    let out = soon(out).await.expect("it ends well");
    serde_json::from_str(&out).expect("JSON")
}

fn view(version: &str, subject: Option<&str>, sought: Option<&str>) -> Value {
    let mut view = json!({ "version": version });
    let fields = [("subject", subject), ("sought", sought)];
    for (key, value) in fields {
        if let Some(value) = value {
            view[key] = value.into();
        }
    }
    view
}

#[tokio::test]
async fn by_strings_of_ssl() {
    let folder = Folder::new("listen-ssl");
    let authority = Authority::new("authority");
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &authority.pem());
    let server = folder.file("server.pem", &authority.issue(&["localhost"]));
    let server = seeing()
        .listen(&format!("ssl:0:privateKey={server}:interface=127.0.0.1"))
        .await
        .expect("a free port");
    let connect = format!("ssl:127.0.0.1:{}:caCertsDir={trusted}", port(&server));
    let found = calls(&[&format!("{connect}:hostname=localhost")]).await;
    let here = view("TLSv1.3", Some("localhost"), Some("localhost"));
    let there = view("TLSv1.3", None, Some("localhost"));
    assert_eq!(found, json!({ "here": here, "there": there }));

    // A certificate that nobody asked for is not sent.
    let alice = folder.file("alice.pem", &authority.issue(&["alice"]));
    let found = calls(&[&format!("{connect}:hostname=localhost:certKey={alice}")]).await;
    assert_eq!(found["there"], there);

    // Twisted finds the name wrong. With no name it looks for none, and sends none.
    let found = calls(&[&format!("{connect}:hostname=example.org")]).await;
    let error = found["error"].as_str().expect("an error");
    assert!(error.contains("VerificationError"), "{error}");
    let found = calls(&[&connect]).await;
    assert_eq!(found["there"], view("TLSv1.3", None, None));
}

#[tokio::test]
async fn by_strings_of_tls_with_two_names() {
    let folder = Folder::new("listen-tls");
    let authority = Authority::new("authority");
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &authority.pem());
    let certificates = folder.folder("certificates");
    for name in ["one.example", "two.example"] {
        folder.file(
            &format!("certificates/{name}.pem"),
            &authority.issue(&[name]),
        );
    }
    let listen = format!("tls:{certificates}:0:interface=127.0.0.1");
    let server = seeing().listen(&listen).await.expect("a free port");
    for name in ["one.example", "two.example"] {
        let connect = format!(
            "tls:{name}:1:trustRoots={trusted}:endpoint=tcp\\:127.0.0.1\\:{}",
            port(&server)
        );
        let found = calls(&[&connect]).await;
        let here = view("TLSv1.3", Some(name), Some(name));
        let there = view("TLSv1.3", None, Some(name));
        assert_eq!(found, json!({ "here": here, "there": there }));
    }
}

/// Twisted makes certificates of version 1 of X.509. A server that moves here keeps its own, and its clients trust it as before.
#[tokio::test]
async fn with_a_certificate_that_twisted_has_made() {
    let folder = Folder::new("listen-made");
    let mut make = twisted("certificate");
    let pem = succeed(make.arg("localhost"));
    let server = folder.file("server.pem", &pem);
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &pem);
    let server = seeing()
        .listen(&format!("ssl:0:privateKey={server}:interface=127.0.0.1"))
        .await
        .expect("a free port");
    let connect = format!("ssl:127.0.0.1:{}:caCertsDir={trusted}", port(&server));
    let found = calls(&[&connect]).await;
    let here = view("TLSv1.3", Some("localhost"), None);
    let there = view("TLSv1.3", None, None);
    assert_eq!(found, json!({ "here": here, "there": there }));

    let mut other = twisted("certificate");
    let other = succeed(other.arg("localhost"));
    let key = pem.find("-----BEGIN PRIVATE KEY").expect("a key");
    let theirs = other.find("-----BEGIN PRIVATE KEY").expect("a key");
    let mixed = format!("{}{}", &pem[..key], &other[theirs..]);
    let error = Identity::from_pem(mixed).expect_err("it is another key");
    assert!(matches!(error, TlsConfigError::Pair { .. }), "{error:?}");
}

/// In both modes, since what a handler sees has nothing to do with them.
#[tokio::test]
async fn a_server_that_demands_certificates_sees_who_calls() {
    let folder = Folder::new("listen-demand");
    let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &authority.pem());
    let alice = folder.file("alice.pem", &authority.issue(&["alice"]));
    let mallory = folder.file("mallory.pem", &stranger.issue(&["alice"]));
    let tls = Tls::new()
        .identity(authority.identity(&["localhost"]))
        .trust(authority.trust());
    let endpoint = ListenEndpoint::tcp("127.0.0.1", 0).tls(tls.clone());
    for compat in [Compat::default(), Compat::twisted()] {
        let server = seeing().compat(compat).listen_on(&endpoint).await;
        let server = server.expect("a free port");
        let own = server.endpoint().clone().tls(
            Tls::new()
                .identity(authority.identity(&["bob"]))
                .trust(authority.trust())
                .server_name("localhost"),
        );
        let open = Amp::new().connect_to(&own).await.expect("it is trusted");
        for connect in [
            format!(
                "ssl:127.0.0.1:{}:caCertsDir={trusted}:hostname=localhost:certKey=",
                port(&server)
            ),
            format!(
                "tls:localhost:1:trustRoots={trusted}:endpoint=tcp\\:127.0.0.1\\:{}:certificate=",
                port(&server)
            ),
        ] {
            let found = calls(&[&format!("{connect}{alice}")]).await;
            let there = view("TLSv1.3", Some("alice"), Some("localhost"));
            assert_eq!(found["there"], there, "{found}");
            let found = calls(&[&format!("{connect}{mallory}")]).await;
            let error = found["error"].as_str().expect("an error");
            assert!(error.contains("unknown ca"), "{error}");
            let anonymous = connect.rsplit_once(':').expect("more").0;
            let found = calls(&[anonymous]).await;
            let error = found["error"].as_str().expect("an error");
            assert!(error.contains("certificate required"), "{error}");
        }
        // Nobody else notices.
        let view = soon(open.call(crate::Seen {})).await.expect("it is open");
        assert_eq!(view.subject.as_deref(), Some("bob"));
        server.shutdown(LONG).await;
    }
}

#[tokio::test]
async fn twisted_of_tls_1_2() {
    let folder = Folder::new("listen-old");
    let authority = Authority::new("authority");
    let trusted = folder.file("ca.pem", &authority.pem());
    let tls = Tls::new().identity(authority.identity(&["localhost"]));
    let endpoint = ListenEndpoint::tcp("127.0.0.1", 0).tls(tls);
    let server = seeing().listen_on(&endpoint).await.expect("a free port");
    let connect = format!("tcp:127.0.0.1:{}", port(&server));
    let found = calls(&["--trust", &trusted, "--old", &connect]).await;
    let here = view("TLSv1.2", Some("localhost"), Some("localhost"));
    let there = view("TLSv1.2", None, Some("localhost"));
    assert_eq!(found, json!({ "here": here, "there": there }));
}

#[tokio::test]
async fn twisted_that_says_amp_is_taken_at_its_word() {
    let folder = Folder::new("listen-alpn");
    let authority = Authority::new("authority");
    let trusted = folder.file("ca.pem", &authority.pem());
    for (ours, protocol) in [(false, Value::Null), (true, "amp".into())] {
        let tls = Tls::new().identity(authority.identity(&["localhost"]));
        let endpoint = ListenEndpoint::tcp("127.0.0.1", 0).tls(tls.alpn(ours));
        let server = seeing().listen_on(&endpoint).await.expect("a free port");
        let connect = format!("tcp:127.0.0.1:{}", port(&server));
        let found = calls(&["--trust", &trusted, "--alpn", &connect]).await;
        assert_eq!(found["there"]["version"], "TLSv1.3", "{found}");
        for side in ["here", "there"] {
            assert_eq!(found[side]["protocol"], protocol, "{found}");
        }
    }
}
