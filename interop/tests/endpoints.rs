//! Every kind of endpoint with live Twisted on the other end, and what Twisted makes of the same strings.
#![cfg(unix)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::time::Duration;

use amp_rpc::process::Program;
use amp_rpc::{
    Address, Amp, AmpBox, Answer, Command, ConnectEndpoint, EndReason, Failure, Fields,
    ListenEndpoint, Peer, Responders,
};
use serde_json::Value;
use support::{example, python, succeed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// The contract's command.
#[derive(Debug, Command)]
#[amp(response = Total)]
struct Sum {
    a: i64,
    b: i64,
}

#[derive(Debug, Fields)]
struct Total {
    total: i64,
}

async fn sum(command: Sum) -> Answer<Sum> {
    let total = command.a + command.b;
    Ok(Total { total })
}

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}

async fn add(peer: &Peer) {
    let answer = soon(peer.call(Sum { a: 13, b: 81 })).await.expect("a sum");
    assert_eq!(answer.total, 94);
}

fn adding() -> Amp {
    Amp::new().locator(Responders::new().on(sum))
}

fn twisted(mode: &str) -> Process {
    let mut process = python("endpoint_peer.py");
    process.arg(mode);
    process
}

/// Twisted as a child of ours.
fn twisted_child() -> Program {
    let child = twisted("child");
    let program = Program::new(child.get_program());
    program.args(child.get_args().map(ToOwned::to_owned))
}

#[tokio::test]
async fn twisted_is_our_child() {
    let others = twisted_child().args(["3", "4"]).descriptors(3, 4);
    for program in [twisted_child(), others] {
        let (peer, child) = Amp::new().spawn(&program).expect("it starts");
        add(&peer).await;
        peer.close();
        let status = soon(child.wait()).await.expect("it ends");
        assert!(status.success(), "{status}");
    }
}

#[tokio::test]
async fn a_child_of_twisted_s_that_fails_says_so() {
    let program = twisted_child().arg("no number");
    let (peer, _child) = Amp::new().spawn(&program).expect("it starts");
    let reason = soon(peer.closed()).await;
    let EndReason::ProgramEnded(ended) = &reason else {
        panic!("{reason:?}");
    };
    assert_eq!(
        ended.status.code(),
        Some(2),
        "argparse's code for a bad argument"
    );
}

#[test]
fn we_are_a_child_of_twisted_s() {
    let worker = example("workers");
    let mut parent = twisted("spawn");
    parent
        .arg(worker.get_program())
        .args(["--worker", "stdio:"]);
    assert_eq!(succeed(&mut parent), "{'square': 144}\n");
}

/// What Twisted reads from strings.
fn twisted_reads(purpose: &str, strings: &[String]) -> Vec<Value> {
    let lines = strings
        .iter()
        .map(|text| Value::from(text.as_str()).to_string());
    lines_through(twisted("read").arg(purpose), lines)
}

/// The JSON that a program prints for each line.
fn lines_through(process: &mut Process, lines: impl Iterator<Item = String>) -> Vec<Value> {
    let mut child = process
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("it is piped");
    let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
    let values = lines
        .map(|line| {
            writeln!(input, "{line}").expect("it reads");
            let mut answer = String::new();
            output.read_line(&mut answer).expect("it writes");
            serde_json::from_str(&answer).expect("JSON")
        })
        .collect();
    drop(input);
    assert!(child.wait().expect("it ends").success());
    values
}

/// Twisted reads what we write for a string as it reads the string itself.
fn check_strings(purpose: &str, strings: &[&str], ours: impl Fn(&str) -> String) {
    let given: Vec<String> = strings.iter().map(ToString::to_string).collect();
    let written: Vec<String> = strings.iter().map(|text| ours(text)).collect();
    let of_given = twisted_reads(purpose, &given);
    let of_written = twisted_reads(purpose, &written);
    for (index, text) in given.iter().enumerate() {
        assert!(of_given[index].is_object(), "{text}: {}", of_given[index]);
        assert_eq!(
            of_given[index], of_written[index],
            "{text}: {}",
            written[index]
        );
    }
}

#[test]
fn twisted_reads_connecting_strings_as_we_do() {
    let strings = [
        "tcp:h:80",
        "TCP:h:80",
        "tcp:host=h:port=80",
        "tcp:h:80:timeout=5",
        r"tcp:\:\:1:80",
        "tcp:h:80:bindAddress=127.0.0.2",
        "timeout=5:tcp:h:80",
        "unix:/a",
        "unix:path=/a:timeout=9",
        "unix:/a:lockfile=1:timeout=9",
        "unix:/a:lockfile=0",
        r"unix:/a\:b\=c\\d",
        r"unix:\a",
        "unix:path=a=b",
        "unix:@a",
    ];
    check_strings("connect", &strings, |text| {
        let endpoint: ConnectEndpoint = text.parse().expect(text);
        endpoint.to_string()
    });
}

#[test]
fn twisted_reads_listening_strings_as_we_do() {
    let strings = [
        "tcp:80",
        "tcp:0:interface=127.0.0.1:backlog=7",
        "tcp:80:127.0.0.1:10",
        r"tcp:80:interface=\:\:1",
        "tcp6:80",
        r"tcp6:80:interface=\:\:1:backlog=5",
        r"tcp6:80:5:\:\:1",
        "unix:/a",
        "unix:/a:600",
        "unix:/a:660:3",
        "unix:/a:660:3:0",
        "unix:address=/a:lockfile=0:mode=600",
        "unix:/a:lockfile=1",
        r"unix:/a\:b\=c",
        "stdio:",
        "stdio",
        "haproxy:tcp:8080",
        r"haproxy:tcp:8080:interface=\:\:1:backlog=3",
        r"haproxy:unix:/a\:b:mode=600",
    ];
    check_strings("listen", &strings, |text| {
        let endpoint: ListenEndpoint = text.parse().expect(text);
        endpoint.to_string()
    });
}

/// A directory that is removed with all that is in it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("amp-rpc-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a new directory");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Twisted serves on an endpoint; it ends with its owner.
struct Serving(Child);

impl Serving {
    fn start(endpoint: &str) -> Self {
        let mut serve = twisted("serve");
        let serve = serve.arg(endpoint).stdout(Stdio::piped());
        let mut child = serve.spawn().expect("it starts");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let serving = Self(child);
        assert_eq!(line, "listening\n");
        serving
    }

    /// As after a crash: it removes nothing.
    fn kill(mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it ends");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How Twisted's call ends: whether it has a sum, and what it prints.
async fn twisted_calls(endpoint: String) -> (bool, String) {
    let call = tokio::task::spawn_blocking(move || twisted("call").arg(endpoint).output());
    let output = soon(call).await.expect("it runs").expect("it starts");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), out)
}

#[tokio::test]
async fn twisted_and_we_respect_each_other_s_locks() {
    let directory = Directory::new("locks");
    let endpoint = format!("unix:{}", directory.0.join("sock").display());
    let locked = format!("{endpoint}:lockfile=1");

    // We listen: Twisted may not, and its clients see our lock.
    let server = adding().listen(&endpoint).await.expect("a free path");
    let mut serve = twisted("serve");
    let serve = serve.arg(&endpoint).output().expect("it starts");
    let out = String::from_utf8_lossy(&serve.stdout);
    assert!(out.contains("Cannot acquire lock"), "{out}");
    for endpoint in [&endpoint, &locked] {
        let (is_answered, out) = twisted_calls(endpoint.clone()).await;
        assert!(is_answered, "{out}");
        assert_eq!(out, "{'total': 94}\n");
    }
    server.shutdown(LONG).await;

    // Twisted listens: we may not, and see its lock.
    let serving = Serving::start(&endpoint);
    let error = adding().listen(&endpoint).await.expect_err("it is taken");
    let source = std::error::Error::source(&error).expect("a source");
    assert!(
        source.to_string().contains("holds the lock file"),
        "{source}"
    );
    add(&Amp::new().connect(&locked).await.expect("it is locked")).await;

    // Twisted crashes: its lock and its socket are nobody's.
    serving.kill();
    Amp::new()
        .connect(&locked)
        .await
        .expect_err("nobody is there");
    let server = adding().listen(&endpoint).await.expect("it is replaced");
    add(&Amp::new().connect(&locked).await.expect("it is locked")).await;
    drop(server);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn abstract_sockets_are_the_same() {
    let name = format!("amp-rpc-interop-{}", std::process::id());
    let server = adding().listen(&format!("unix:abstract={name}")).await;
    let server = server.expect("a free name");
    // No argument of a program has a zero byte; the program puts it there.
    let (is_answered, out) = twisted_calls(format!("unix:%00{name}")).await;
    assert!(is_answered, "{out}");
    assert_eq!(out, "{'total': 94}\n");
    drop(server);
}

/// Answers with the addresses of the connection.
async fn who(_: AmpBox, peer: Peer) -> Result<AmpBox, Failure> {
    let addresses = peer.addresses();
    let text = |address: &Option<Address>| match address {
        Some(address) => address.to_string(),
        None => String::new(),
    };
    let ends = [
        ("remote", text(&addresses.remote)),
        ("local", text(&addresses.local)),
    ];
    Ok(AmpBox::from(ends))
}

#[tokio::test]
async fn twisted_reads_headers_of_proxies_as_we_do() {
    let six = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00500051";
    let signature = "0d0a0d0a000d0a515549540a";
    let line = |text: &str| {
        let bytes = text.bytes().map(|byte| format!("{byte:02x}"));
        bytes.collect::<String>() + "0d0a"
    };
    let headers = [
        line("PROXY TCP4 192.0.2.1 192.0.2.2 1000 80"),
        line("PROXY TCP6 ::1 2001:db8::1 1000 65535"),
        line("PROXY UNKNOWN"),
        line("PROXY UNKNOWN whatever follows"),
        format!("{signature}2111000c7f0000010a00000212340050"),
        format!("{signature}2111000f7f0000010a00000212340050040000"),
        format!("{signature}21210024{six}"),
        format!("{signature}20000000"),
        format!("{signature}21000000"),
    ];
    let read = lines_through(&mut twisted("headers"), headers.iter().cloned());
    let amp = Amp::new().locator(Responders::new().on_box("Who", who));
    let server = amp.listen("haproxy:tcp:0:interface=127.0.0.1").await;
    let server = server.expect("a free port");
    let endpoint = server.endpoint().to_string();
    let address = endpoint.strip_prefix("tcp:").expect("it is TCP");
    for (header, twisted) in headers.iter().zip(read) {
        let mut stream = tokio::net::TcpStream::connect(address)
            .await
            .expect("it listens");
        let own = [stream.local_addr(), stream.peer_addr()].map(|address| address.expect("one"));
        stream.write_all(&bytes(header)).await.expect("it reads");
        let peer = Amp::new().over(stream);
        let answer = soon(peer.call_box("Who", AmpBox::new())).await;
        let answer = answer.unwrap_or_else(|error| panic!("{header}: {error}"));
        for (index, key) in ["remote", "local"].into_iter().enumerate() {
            let expected = twisted_address(&twisted[index]).unwrap_or(own[index]);
            let found = answer.get(key).expect("both are there");
            assert_eq!(found, expected.to_string().as_bytes(), "{header}");
        }
    }
    // What Twisted refuses, we refuse.
    let wrong = [
        line("PROXY TCP5 192.0.2.1 192.0.2.2 1000 80"),
        line("PROXY TCP4 192.0.2.1"),
        format!("{signature}3111000c7f0000010a00000212340050"),
        format!("{signature}2111000b7f0000010a000002123400"),
    ];
    let read = lines_through(&mut twisted("headers"), wrong.iter().cloned());
    for (header, twisted) in wrong.iter().zip(read) {
        assert!(twisted.is_string(), "{header}: {twisted}");
        let mut stream = tokio::net::TcpStream::connect(address)
            .await
            .expect("it listens");
        stream.write_all(&bytes(header)).await.expect("it reads");
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = soon(stream.read_to_end(&mut rest)).await;
        assert_eq!(rest, b"");
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |index| u8::from_str_radix(&hex[index..index + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(digits).collect()
}

/// Python writes addresses of IPv6 in full.
fn twisted_address(end: &Value) -> Option<SocketAddr> {
    let host = end.get(0)?.as_str()?.parse().expect("an address");
    let port = end.get(1)?.as_u64()?.try_into().expect("a port");
    Some(SocketAddr::new(host, port))
}
