//! The examples print what they say at their top.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Cargo builds the examples beside the tests.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("the test has a path");
    let folder = test.parent().and_then(|deps| deps.parent());
    let mut path = folder.map(PathBuf::from).expect("cargo's layout");
    path.push("examples");
    path.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the example starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// A server that says where it listens; it ends with its owner.
struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).spawn();
        let mut child = child.expect("the example starts");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let endpoint = line.trim().strip_prefix("listening on ");
        let endpoint = endpoint.expect("an endpoint").to_owned();
        Self { child, endpoint }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn register_user_alone() {
    let out = run(&mut example("register_user"));
    let (first, rest) = out.split_once('\n').expect("three lines");
    assert!(first.starts_with("listening on tcp:127.0.0.1:"), "{first}");
    assert_eq!(
        rest,
        "registered alice: uid 1\nalice again: the username is taken\n"
    );
}

#[test]
fn register_user_as_two_processes() {
    let server = Server::start(example("register_user").arg("--listen"));
    let connect = |name: &str| {
        let mut client = example("register_user");
        run(client.args(["--connect", &server.endpoint, "--name", name]))
    };
    assert_eq!(
        connect("bob"),
        "registered bob: uid 1\nbob again: the username is taken\n"
    );
    assert_eq!(
        connect("bob"),
        "bob: the username is taken\nbob again: the username is taken\n"
    );
    for name in ["../bob", "/tmp/bob", "", ".bob", "a/b"] {
        let refusal = format!("{name}: the username is no plain file name\n");
        assert_eq!(connect(name), refusal.repeat(2));
    }
}

#[test]
fn the_basic_client_connects_to_the_basic_server() {
    let server = Server::start(example("basic_server").arg("tcp:0:interface=127.0.0.1"));
    let out = run(example("basic_client").arg(&server.endpoint));
    assert!(out.starts_with("connected to 127.0.0.1:"), "{out}");
}

#[test]
fn math() {
    let out = "13 + 81 = 94\n5 / 2 = 2.5\n1 / 0: division by zero\n\
               the server is still there: 1 + 1 = 2\n";
    assert_eq!(run(&mut example("math")), out);
}

#[test]
fn box_reflector() {
    let out = "sent {\"greeting\": <5 bytes>}\ncame back {\"greeting\": <5 bytes>}\n";
    assert_eq!(run(&mut example("box_reflector")), out);
}

#[test]
fn chat_in_one_process() {
    let out = "ann hears bob: hello\nbob hears ann: hello yourself\n";
    assert_eq!(run(&mut example("chat")), out);
}

#[test]
fn chat_as_three_processes() {
    let server = Server::start(example("chat").args(["--listen", "tcp:0:interface=127.0.0.1"]));
    let visitor = |name: &str| {
        let mut command = example("chat");
        command
            .args(["--connect", &server.endpoint, name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts")
    };
    let mut ann = visitor("ann");
    let mut bob = visitor("bob");
    // What bob says reaches ann once both have joined: he repeats it until she has heard it.
    let mut says = bob.stdin.take().expect("it is piped");
    let hears = ann.stdout.take().expect("it is piped");
    let (to, heard) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut lines = BufReader::new(hears).lines().map_while(Result::ok);
        to.send(lines.next()).expect("the test waits for it");
        // Ann prints until she leaves.
        lines.for_each(drop);
    });
    let line = loop {
        writeln!(says, "hello").expect("bob is there");
        match heard.try_recv() {
            Ok(line) => break line,
            Err(_) => std::thread::yield_now(),
        }
    };
    assert_eq!(line.as_deref(), Some("bob: hello"));
    // Without anything to say they leave.
    drop((says, ann.stdin.take()));
    assert!(bob.wait().expect("bob ends").success());
    assert!(ann.wait().expect("ann ends").success());
    reader.join().expect("no panic");
}

#[test]
fn custom_argument() {
    let out = "{\"color\": <6 bytes>, \"picture\": <65535 bytes>, \"picture.2\": <34465 bytes>}\n\
               color #ff8000, a picture of 100000 bytes\n";
    assert_eq!(run(&mut example("custom_argument")), out);
}
