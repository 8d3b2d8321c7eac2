//! Child processes that carry AMP. Most are `cat`: what this side asks comes back as an ask of the other
//! side's, is answered here, and the answer comes back to its caller.
#![cfg(all(unix, feature = "process"))]

use std::error::Error;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use amp_rpc::process::{Child, Output, Program};
use amp_rpc::{
    Address, Amp, AmpBox, ConnectEndpoint, ConnectError, EndReason, Failure, Peer, Responders,
};
use tokio::io::AsyncReadExt;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(20);

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}

async fn echo(message: AmpBox, _: Peer) -> Result<AmpBox, Failure> {
    Ok(message)
}

fn echoing() -> Amp {
    Amp::new().locator(Responders::new().on_box("Echo", echo))
}

fn shell(script: &str) -> Program {
    Program::new("sh").arg("-c").arg(script)
}

fn spawn(program: &Program) -> (Peer, Child) {
    echoing().spawn(program).unwrap()
}

async fn call(peer: &Peer) {
    let arguments = AmpBox::from([("text", "hello")]);
    let answer = soon(peer.call_box("Echo", arguments)).await.unwrap();
    assert_eq!(answer.get("text").unwrap(), b"hello");
}

/// Calls, closes, and expects the program to end well.
async fn check(program: &Program) {
    let (peer, child) = spawn(program);
    call(&peer).await;
    assert!(child.status().unwrap().is_none());
    peer.close();
    assert!(soon(child.wait()).await.unwrap().success());
    assert!(child.status().unwrap().unwrap().success());
    assert!(matches!(peer.closed().await, EndReason::ClosedHere));
}

#[tokio::test]
async fn over_standard_input_and_output() {
    check(&Program::new("cat")).await;
}

#[tokio::test]
async fn over_other_descriptors() {
    check(&shell("exec cat <&3 >&4").descriptors(3, 4)).await;
    check(&shell("exec cat <&4 >&3").descriptors(4, 3)).await;
    check(&shell("exec cat <&2").descriptors(2, 1)).await;
}

#[tokio::test]
async fn over_a_socket() {
    check(&shell("exec cat <&3 >&3").descriptors(3, 3)).await;
    check(&shell("exec cat >&0").descriptors(0, 0)).await;
}

#[tokio::test]
async fn by_a_string() {
    let endpoint =
        r"process:sh:-c:test $A \= \:b && cd x && exec cat <&5 >&6:env=A=\:b:descriptors=5,6";
    let endpoint = endpoint.replace("cd x", "test `pwd` \\= /");
    let endpoint = format!("{endpoint}:directory=/");
    let peer = echoing().connect(&endpoint).await.unwrap();
    call(&peer).await;
    let Some(Address::Process { program, pid }) = &peer.addresses().remote else {
        panic!("{:?}", peer.addresses());
    };
    assert_eq!(program.to_str(), Some("sh"));
    assert!(is_there(*pid));
}

#[tokio::test]
async fn the_environment_can_be_cleared() {
    let script = "test -n \"$B\" && test -z \"$HOME$CARGO\" && exec cat";
    let program = shell(script).env("B", "x").env_clear();
    check(&program.env("PATH", std::env::var_os("PATH").unwrap())).await;
}

#[tokio::test]
async fn what_is_no_amp_can_be_read() {
    let script = "echo out; echo err >&2; exec cat <&3 >&4";
    let program = shell(script).descriptors(3, 4);
    let program = program.stdout(Output::Piped).stderr(Output::Piped);
    let (peer, mut child) = spawn(&program);
    call(&peer).await;
    peer.close();
    let mut text = String::new();
    let mut out = child.stdout.take().unwrap();
    soon(out.read_to_string(&mut text)).await.unwrap();
    let mut err = child.stderr.take().unwrap();
    soon(err.read_to_string(&mut text)).await.unwrap();
    assert_eq!(text, "out\nerr\n");
}

#[tokio::test]
async fn output_that_nobody_reads_keeps_nobody_waiting() {
    let script = r"head -c 1000000 /dev/zero; exec cat <&3 >&4";
    let endpoint = format!("process:sh:-c:{script}:descriptors=3,4:stdout=piped");
    call(&echoing().connect(&endpoint).await.unwrap()).await;
}

/// What cannot be started: the kind of the error and what it says.
fn check_error(program: &Program, kind: ErrorKind, text: &str) {
    let error = Amp::new().spawn(program).unwrap_err();
    assert!(error.to_string().starts_with("cannot connect to process:"));
    assert!(
        error.source().unwrap().to_string().contains(text),
        "{error:?}"
    );
    let ConnectError::Io { source, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(source.kind(), kind);
}

#[tokio::test]
async fn programs_that_cannot_be_started() {
    let missing = Program::new("/nowhere/to/be/found");
    check_error(&missing, ErrorKind::NotFound, "/nowhere/to/be/found: ");
    // The report of the failure must not be lost, whichever descriptors the program gets.
    for number in 3..40 {
        let missing = missing.clone().descriptors(number, number + 1);
        check_error(&missing, ErrorKind::NotFound, "/nowhere/to/be/found: ");
    }
    let nowhere = Program::new("cat").current_dir("/nowhere");
    check_error(&nowhere, ErrorKind::NotFound, "/nowhere: ");
    let denied = Program::new("/dev/null");
    check_error(&denied, ErrorKind::PermissionDenied, "/dev/null: ");
    let zero = Program::new("cat").arg("a\0b");
    check_error(&zero, ErrorKind::InvalidInput, "cat: ");
    let error = Amp::new()
        .connect("process:nosuchprogram")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "cannot connect to process:nosuchprogram");
}

#[tokio::test]
async fn a_program_that_fails_at_once() {
    for descriptors in [(0, 1), (3, 4), (3, 3)] {
        let program = shell("exit 3").descriptors(descriptors.0, descriptors.1);
        let (peer, child) = spawn(&program);
        // Whether it is gone already when the call is written, or not.
        let failed = soon(peer.call_box("Echo", AmpBox::new()))
            .await
            .unwrap_err();
        let reason = soon(peer.closed()).await;
        let EndReason::ProgramEnded(ended) = &reason else {
            panic!("{reason:?}");
        };
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!(ended.pid, child.pid());
        assert_eq!(
            ended.to_string(),
            format!("sh (process {}) ended: exit status: 3", child.pid())
        );
        assert!(failed.source().is_some(), "{failed:?}");
        assert_eq!(child.wait().await.unwrap().code(), Some(3));
    }
}

#[tokio::test]
async fn a_program_that_is_killed() {
    let (peer, child) = spawn(&Program::new("cat"));
    call(&peer).await;
    child.kill();
    let reason = soon(peer.closed()).await;
    let EndReason::ProgramEnded(ended) = &reason else {
        panic!("{reason:?}");
    };
    assert_eq!(ended.status.signal(), Some(9));
}

#[tokio::test]
async fn a_program_that_succeeds_has_closed_the_connection() {
    let (peer, child) = spawn(&Program::new("true"));
    assert!(matches!(soon(peer.closed()).await, EndReason::ClosedByPeer));
    assert!(soon(child.wait()).await.unwrap().success());
}

#[tokio::test]
async fn a_program_that_closes_but_runs_on_has_closed_the_connection() {
    let program = shell("exec 3<&- 4<&-; exec sleep 1000").descriptors(3, 4);
    let (peer, child) = spawn(&program.grace(Duration::from_millis(1)));
    assert!(matches!(soon(peer.closed()).await, EndReason::ClosedByPeer));
    assert_eq!(soon(child.wait()).await.unwrap().signal(), Some(9));
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_after_its_time() {
    let program = shell("exec 3<&0; cat <&3; exec sleep 1000");
    let (peer, child) = spawn(&program.grace(Duration::from_millis(300)));
    call(&peer).await;
    let begin = Instant::now();
    peer.close();
    assert_eq!(soon(child.wait()).await.unwrap().signal(), Some(9));
    assert!(begin.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn dropping_everything_ends_the_program() {
    let (peer, child) = spawn(&Program::new("cat"));
    let pid = child.pid();
    drop((peer, child));
    soon(async {
        while is_there(pid) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[test]
fn a_runtime_that_is_shut_down_leaves_no_program() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build().unwrap();
    let (peer, child) = runtime.block_on(async {
        let program = shell("exec 3<&0; cat <&3; exec sleep 1000");
        let (peer, child) = spawn(&program);
        call(&peer).await;
        (peer, child)
    });
    drop(runtime);
    assert!(!is_there(child.pid()));
    assert!(matches!(peer.end_reason(), Some(EndReason::ClosedHere)));
}

/// Also true of a zombie.
fn is_there(pid: u32) -> bool {
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::test_kill_process(pid).is_ok()
}

/// Other children do not hold pipes open that are not theirs.
#[tokio::test]
async fn programs_do_not_inherit_each_other_s_pipes() {
    let programs = [(0, 1), (3, 4), (5, 5)].map(|(reads, writes)| {
        let script = format!("exec cat <&{reads} >&{writes}");
        spawn(&shell(&script).descriptors(reads, writes))
    });
    for (peer, child) in programs {
        call(&peer).await;
        peer.close();
        assert!(soon(child.wait()).await.unwrap().success());
    }
}

#[test]
fn programs_as_strings() {
    let check = |text: &str, program: Program| {
        let endpoint = ConnectEndpoint::process(program);
        assert_eq!(text.parse::<ConnectEndpoint>().unwrap(), endpoint, "{text}");
        assert_eq!(
            endpoint.to_string().parse::<ConnectEndpoint>().unwrap(),
            endpoint
        );
    };
    let program = || Program::new("p");
    check("process:p", program());
    check("PROCESS:program=p:a", program().arg("a"));
    check("process:a:program=p", program().arg("a"));
    check("process:p:descriptors=0,1:grace=5:clearEnv=0", program());
    check(
        r"process:p:a\:b::-x\=\\",
        program().args(["a:b", "", r"-x=\"]),
    );
    check("process:p:descriptors=3,4", program().descriptors(3, 4));
    check("process:p:descriptors=3", program().descriptors(3, 3));
    check(
        "process:p:env=A=b=c:env=B=",
        program().env("A", "b=c").env("B", ""),
    );
    check("process:p:clearEnv=1", program().env_clear());
    check("process:p:directory=/a", program().current_dir("/a"));
    let outputs = program().stdout(Output::Null).stderr(Output::Piped);
    check("process:p:stdout=null:stderr=piped", outputs);
    check(
        "process:p:grace=0.5",
        program().grace(Duration::from_millis(500)),
    );
}

#[test]
fn strings_that_are_no_programs() {
    let check = |text: &str, expected: &str| {
        let error = text.parse::<ConnectEndpoint>().unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let options = "program, descriptors, env, clearEnv, directory, stdout, stderr, grace, timeout";
    check(
        "process",
        "process: the option \"program\" is missing; it is written as in \
         \"process:python3:worker.py:descriptors=3,4\"",
    );
    check(
        "process:",
        "process: \"\" is no value for the option \"program\"; expected a program",
    );
    check(
        "process:p:--size=3",
        &format!(
            "process: unknown option \"--size\"; the options are {options} \
             (an equals sign within an argument is written \\=)"
        ),
    );
    for text in ["", "x", "3,", ",4", "-1", "3,4,5", "3, 4", "99999999999"] {
        check(
            &format!("process:p:descriptors={text}"),
            &format!(
                "process: {text:?} is no value for the option \"descriptors\"; \
                 expected two numbers, such as 3,4, or one of a socket"
            ),
        );
    }
    for text in ["", "A", "=b"] {
        check(
            &format!("process:p:env={text}"),
            &format!("process: {text:?} is no value for the option \"env\"; expected NAME=VALUE"),
        );
    }
    check(
        "process:p:clearEnv=yes",
        "process: \"yes\" is no value for the option \"clearEnv\"; expected 0 or 1",
    );
    check(
        "process:p:stdout=file",
        "process: \"file\" is no value for the option \"stdout\"; expected inherit, null or piped",
    );
    check(
        "process:p:grace=-1",
        "process: \"-1\" is no value for the option \"grace\"; expected seconds, such as 30 or 0.5",
    );
    check(
        "process:p:directory=a:directory=b",
        "process: the option \"directory\" is given twice",
    );
}

#[test]
fn programs_cannot_be_listened_on() {
    let error = "process:p".parse::<amp_rpc::ListenEndpoint>().unwrap_err();
    let expected = "the kind \"process\" is only there to connect; the kinds here are ";
    assert!(error.to_string().starts_with(expected), "{error}");
}
