//! Certificates that are replaced while clients are connected.

use std::process::Stdio;

use amp_rpc::{Identities, ListenEndpoint, Tls};
use rcgen::DnType;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::support::certificates::{Authority, Folder};
use super::{amp, port, soon, twisted, twisted_calls};

#[tokio::test]
async fn a_renewed_certificate_leaves_twisted_connected() {
    let (authority, folder) = (Authority::new("authority"), Folder::new("renewal"));
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &authority.pem());
    let pem = |subject: &str| {
        let pem = authority.issue_with(&["localhost"], |params| {
            params.distinguished_name.push(DnType::CommonName, subject);
        });
        folder.file("server.pem", &pem)
    };
    let file = pem("old");
    let identities = Identities::from_pem_files(&file, &file).expect("it was just made");
    let tls = Tls::new().identities(identities.clone());
    let endpoint = ListenEndpoint::tcp("127.0.0.1", 0).tls(tls);
    let server = amp().listen_on(&endpoint).await.expect("a free port");
    let endpoint = format!("tls:localhost:{}:trustRoots={trusted}", port(&server));

    let mut call = twisted("call");
    call.args([&endpoint, "--rounds", "2"]);
    let mut client = tokio::process::Command::from(call)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut input = client.stdin.take().expect("it is piped");
    let mut lines = BufReader::new(client.stdout.take().expect("it is piped")).lines();
    let mut next = async || {
        let line = soon(lines.next_line()).await.expect("it can be read");
        serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON")
    };
    assert_eq!(next().await["server"]["subject"], "CN=old");

    // A file that is of no use changes nothing.
    std::fs::write(&file, "nonsense").expect("the folder is there");
    identities.reload().expect_err("it is of no use");
    let found = twisted_calls(&endpoint).await;
    assert_eq!(found["server"]["subject"], "CN=old", "{found}");

    pem("new");
    identities.reload().expect("it was just made");
    let found = twisted_calls(&endpoint).await;
    assert_eq!(found["server"]["subject"], "CN=new", "{found}");
    input.write_all(b"go on\n").await.expect("it waits");
    let found = next().await;
    assert_eq!(found["server"]["subject"], "CN=old", "{found}");
    assert_eq!(found["total"], 94);
    assert!(soon(client.wait()).await.expect("it ends").success());
}
