//! Being a child: the example `workers` as the program that is started.
#![cfg(all(unix, feature = "process"))]

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use amp_rpc::process::{Child, Output, Program};
use amp_rpc::{Amp, Command, ConnectEndpoint, EndReason, Fields, ListenEndpoint, Peer};
use command_fds::{CommandFdExt, FdMapping};
use tokio::io::AsyncReadExt;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(20);

#[derive(Command)]
#[amp(response = Squared)]
struct Square {
    number: i64,
}

#[derive(Fields)]
struct Squared {
    square: i64,
}

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}

/// Cargo builds the examples beside the tests.
fn workers() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let folder = test.parent().and_then(|deps| deps.parent());
    folder.expect("cargo's layout").join("examples/workers")
}

fn worker(endpoint: &str) -> Program {
    Program::new(workers()).arg("--worker").arg(endpoint)
}

async fn square(peer: &Peer) {
    let answer = soon(peer.call(Square { number: 12 })).await.unwrap();
    assert_eq!(answer.square, 144);
}

async fn output(child: &mut Child) -> (String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    let piped = (child.stdout.take(), child.stderr.take());
    soon(piped.0.unwrap().read_to_string(&mut out))
        .await
        .unwrap();
    soon(piped.1.unwrap().read_to_string(&mut err))
        .await
        .unwrap();
    (out, err)
}

/// The program works, and ends well when the connection is closed.
async fn check(program: Program) {
    let program = program.stderr(Output::Piped);
    let (peer, mut child) = Amp::new().spawn(&program).unwrap();
    square(&peer).await;
    peer.close();
    assert!(soon(child.wait()).await.unwrap().success());
    let mut err = String::new();
    let mut stderr = child.stderr.take().unwrap();
    soon(stderr.read_to_string(&mut err)).await.unwrap();
    // What it prints comes where it does no harm, if it carries no AMP.
    let prints = ConnectEndpoint::process(program)
        .to_string()
        .contains("stdio");
    assert_eq!(err.contains("a worker squares 12"), prints, "{err}");
}

#[tokio::test]
async fn standard_input_and_output() {
    check(worker("stdio:")).await;
    check(worker("stdio")).await;
}

#[tokio::test]
async fn a_socket_as_standard_input_and_output() {
    // A program gets a socket for 0 only; the shell makes it 1 as well, and 2.
    let script = "exec \"$0\" --worker stdio: >&0 2>&0";
    let program = Program::new("sh").args(["-c", script]).arg(workers());
    let (peer, child) = Amp::new().spawn(&program.descriptors(0, 0)).unwrap();
    square(&peer).await;
    peer.close();
    assert!(soon(child.wait()).await.unwrap().success());
}

#[tokio::test]
async fn descriptors_by_number() {
    check(worker("fd:3:4").descriptors(3, 4).stdout(Output::Null)).await;
    check(worker("fd:9:7").descriptors(9, 7).stdout(Output::Null)).await;
    let named = "fd:writes=4:reads=3";
    check(worker(named).descriptors(3, 4).stdout(Output::Null)).await;
    check(worker("fd:5").descriptors(5, 5).stdout(Output::Null)).await;
}

#[tokio::test]
async fn the_child_sees_that_the_parent_is_gone() {
    for (endpoint, descriptors) in [("stdio:", (0, 1)), ("fd:3:4", (3, 4)), ("fd:5", (5, 5))] {
        let program = worker(endpoint).descriptors(descriptors.0, descriptors.1);
        let (peer, child) = Amp::new().spawn(&program.stdout(Output::Null)).unwrap();
        drop(peer);
        assert!(soon(child.wait()).await.unwrap().success(), "{endpoint}");
    }
}

/// A worker that cannot work says why.
async fn check_refused(program: Program, expected: &str) {
    let program = program.stdout(Output::Piped).stderr(Output::Piped);
    let (peer, mut child) = Amp::new().spawn(&program).unwrap();
    let reason = soon(peer.closed()).await;
    assert!(matches!(reason, EndReason::ProgramEnded(_)), "{reason:?}");
    let (_, err) = output(&mut child).await;
    assert!(err.contains(expected), "{err}");
}

#[tokio::test]
async fn descriptors_that_carry_no_connection() {
    let with = |endpoint: &str| worker(endpoint).descriptors(3, 4);
    check_refused(with("fd:7"), "descriptor 7 is not inherited").await;
    check_refused(with("fd:3"), "descriptor 3 is a pipe, which goes in one").await;
    check_refused(with("fd:4:3"), "descriptor 4 cannot be read").await;
    check_refused(with("fd:3:999"), "descriptor 999 is not open").await;
    check_refused(with("fd:0:1"), "0 is one of the standard descriptors").await;
    let device = "standard input is a terminal or another device";
    check_refused(with("stdio:"), device).await;
    let script = "exec 5</etc/passwd; exec \"$0\" --worker fd:5";
    let program = Program::new("sh").args(["-c", script]).arg(workers());
    check_refused(program.descriptors(3, 4), "descriptor 5 is a file").await;
}

/// A worker with this descriptor 3.
fn with_socket(socket: OwnedFd, endpoint: &str) -> Process {
    let mut process = Process::new(workers());
    process
        .args(["--worker", endpoint])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let mapping = FdMapping {
        parent_fd: socket,
        child_fd: 3,
    };
    process.fd_mappings(vec![mapping]).unwrap();
    process
}

/// A program that ends with its owner.
struct Owned(std::process::Child);

impl Drop for Owned {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_socket_that_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let _worker = Owned(with_socket(listener.into(), "fd:3").spawn().unwrap());
    let endpoint = ConnectEndpoint::tcp("127.0.0.1", port);
    for _ in 0..3 {
        square(&Amp::new().connect_to(&endpoint).await.unwrap()).await;
    }
}

#[tokio::test]
async fn a_tcp_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    let mut worker = Owned(with_socket(theirs.into(), "fd:3").spawn().unwrap());
    ours.set_nonblocking(true).unwrap();
    let ours = tokio::net::TcpStream::from_std(ours).unwrap();
    let peer = Amp::new().over(ours);
    square(&peer).await;
    peer.close();
    let ended = tokio::task::spawn_blocking(move || worker.0.wait());
    assert!(soon(ended).await.unwrap().unwrap().success());
}

/// The worker's process id is known only when it runs: a shell sets it and becomes the worker.
fn with_activation(socket: OwnedFd, endpoint: &str, variables: &str) -> Process {
    let mut process = Process::new("sh");
    let script = format!("export {variables}; exec \"$0\" --worker {endpoint}");
    process.arg("-c").arg(script).arg(workers());
    process.stdin(Stdio::null()).stdout(Stdio::null());
    let mapping = FdMapping {
        parent_fd: socket,
        child_fd: 3,
    };
    process.fd_mappings(vec![mapping]).unwrap();
    process
}

#[tokio::test]
async fn a_socket_of_systemd() {
    for endpoint in [
        "systemd:domain=INET:index=0",
        "systemd:domain=INET:name=amp",
        "systemd:INET:0",
        "systemd:name=amp",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let variables = "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=amp";
        let mut process = with_activation(listener.into(), endpoint, variables);
        let _worker = Owned(process.spawn().unwrap());
        let endpoint = ConnectEndpoint::tcp("127.0.0.1", port);
        for _ in 0..2 {
            square(&Amp::new().connect_to(&endpoint).await.unwrap()).await;
        }
    }
}

/// A worker that cannot use the socket says why.
fn check_not_activated(socket: impl Into<OwnedFd>, endpoint: &str, variables: &str, text: &str) {
    let mut process = with_activation(socket.into(), endpoint, variables);
    let output = process.output().unwrap();
    assert!(!output.status.success());
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains(text), "{err}");
}

#[test]
fn sockets_that_are_not_as_systemd_was_told() {
    let listener = || TcpListener::bind("127.0.0.1:0").unwrap();
    let index = "systemd:domain=INET:index=0";
    check_not_activated(listener(), index, "A=B", "systemd has passed no sockets");
    let other = "LISTEN_PID=1 LISTEN_FDS=1";
    check_not_activated(listener(), index, other, "which is not this one");
    let right = "LISTEN_PID=$$ LISTEN_FDS=1";
    let domain = "with the descriptor 3 is of the domain INET";
    check_not_activated(listener(), "systemd:domain=UNIX:index=0", right, domain);
    let second = "systemd:domain=INET:index=1";
    check_not_activated(listener(), second, right, "there is no index 1");
    let name = "systemd:domain=INET:name=x";
    check_not_activated(listener(), name, right, "no socket named");
    let listener = listener();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    check_not_activated(
        socket,
        index,
        right,
        "does not listen; a unit with Accept=yes",
    );
    let file = std::fs::File::open("/etc/passwd").unwrap();
    check_not_activated(file, index, right, "with the descriptor 3 is no socket");
}

#[test]
fn a_socket_of_another_type() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut process = with_socket(socket.into(), "fd:3");
    let mut worker = Owned(process.stderr(Stdio::piped()).spawn().unwrap());
    // It holds the socket.
    drop(process);
    assert!(!worker.0.wait().unwrap().success());
    let mut text = String::new();
    let mut stderr = worker.0.stderr.take().unwrap();
    stderr.read_to_string(&mut text).unwrap();
    let expected =
        "descriptor 3 is a socket of another type; AMP goes over pipes and stream sockets";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn strings() {
    let connecting = |text: &str| text.parse::<ConnectEndpoint>().unwrap();
    let listening = |text: &str| text.parse::<ListenEndpoint>().unwrap();
    for text in ["stdio:", "stdio", "STDIO:"] {
        assert_eq!(connecting(text), ConnectEndpoint::stdio());
        assert_eq!(listening(text), ListenEndpoint::stdio());
    }
    assert_eq!(connecting("stdio:").to_string(), "stdio:");
    // It has none, and so says nothing of it.
    assert_eq!(ListenEndpoint::stdio().backlog(5).to_string(), "stdio:");
    let late = ConnectEndpoint::stdio().timeout(Duration::from_secs(1));
    assert_eq!(connecting(&late.to_string()), late);
    for (text, reads, writes) in [
        ("fd:3", 3, 3),
        ("fd:3:4", 3, 4),
        ("fd:reads=3:4", 3, 4),
        ("fd:reads=3", 3, 3),
        ("fd:3:writes=3", 3, 3),
    ] {
        let text = match text {
            // As everywhere, the arguments without a name come in their order.
            "fd:reads=3:4" => "fd:reads=3:writes=4",
            text => text,
        };
        assert_eq!(
            connecting(text),
            ConnectEndpoint::descriptors(reads, writes)
        );
        let endpoint = ListenEndpoint::descriptors(reads, writes);
        assert_eq!(listening(text), endpoint);
        assert_eq!(listening(&endpoint.to_string()), endpoint);
    }
}

#[test]
fn strings_of_systemd() {
    let listening = |text: &str| text.parse::<ListenEndpoint>().unwrap();
    assert_eq!(
        listening("systemd:index=3"),
        ListenEndpoint::systemd_index(3)
    );
    assert_eq!(
        listening("systemd:name=a"),
        ListenEndpoint::systemd_name("a")
    );
    for text in [
        "systemd:domain=INET:index=0",
        "systemd:domain=INET6:index=65535",
        r"systemd:domain=UNIX:name=a\:b",
        "systemd:name=",
    ] {
        assert_eq!(listening(text).to_string(), text);
    }
    assert_eq!(
        listening("systemd:UNIX:1").to_string(),
        "systemd:domain=UNIX:index=1"
    );
}

#[test]
fn strings_that_are_none() {
    let check = |text: &str, expected: &str| {
        let error = text.parse::<ListenEndpoint>().unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        "stdio:x",
        "stdio: the argument \"x\" is one too many; without a name there may be none \
         (a colon within one is written \\:)",
    );
    check(
        "fd",
        "fd: the option \"reads\" is missing; it is written as in \"fd:3\"",
    );
    for number in ["", "x", "-1", "99999999999"] {
        check(
            &format!("fd:{number}"),
            &format!(
                "fd: {number:?} is no value for the option \"reads\"; \
                 expected the number of a descriptor"
            ),
        );
    }
    check(
        "systemd:domain=INET",
        "systemd: the option \"name\" is missing; it is written as in \
         \"systemd:domain=INET:name=amp\"",
    );
    check(
        "systemd:domain=INET:name=a:index=1",
        "systemd: \"a\" is no value for the option \"name\"; expected either a name or an index",
    );
    check(
        "systemd:domain=AF_INET:name=a",
        "systemd: \"AF_INET\" is no value for the option \"domain\"; expected INET, INET6 or UNIX",
    );
    check(
        "systemd:domain=INET:index=-1",
        "systemd: \"-1\" is no value for the option \"index\"; expected a number from 0",
    );
    check(
        "fd:3:backlog=5",
        "fd: unknown option \"backlog\"; the options are reads, writes",
    );
}
