//! Many programs, one after the other: nothing is left of them. In a file of its own, since it counts
//! what the whole process has.
#![cfg(all(target_os = "linux", feature = "process"))]

use std::fs;
use std::time::Duration;

use amp_rpc::process::Program;
use amp_rpc::{Amp, AmpBox, Failure, Peer, Responders};

async fn echo(message: AmpBox, _: Peer) -> Result<AmpBox, Failure> {
    Ok(message)
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn children() -> String {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let lists = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")));
    lists.map(Result::unwrap).collect()
}

async fn run(program: &Program, fails: bool) {
    let amp = Amp::new().locator(Responders::new().on_box("Echo", echo));
    let (peer, child) = amp.spawn(program).unwrap();
    assert_eq!(peer.call_box("Echo", AmpBox::new()).await.is_err(), fails);
    drop(peer);
    child.wait().await.unwrap();
}

#[tokio::test]
async fn no_descriptors_and_no_zombies() {
    let shell = |script: &str| Program::new("sh").arg("-c").arg(script);
    let programs = [
        (Program::new("cat"), false),
        (shell("exec cat <&3 >&4").descriptors(3, 4), false),
        (shell("exec cat <&3 >&3").descriptors(3, 3), false),
        (Program::new("false"), true),
    ];
    let mut before = None;
    for round in 0..60 {
        for (program, fails) in &programs {
            run(program, *fails).await;
            Amp::new().spawn(&Program::new("/nowhere")).unwrap_err();
        }
        if round == 0 {
            // What is opened once, such as for signals, is open.
            before = Some(descriptors());
        }
    }
    // The connections' tasks may have a little to do yet.
    let is_clean = async {
        while descriptors() != before.unwrap() || !children().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let clean = tokio::time::timeout(Duration::from_secs(20), is_clean).await;
    assert!(
        clean.is_ok(),
        "{before:?} descriptors before, {} now; children {:?}",
        descriptors(),
        children()
    );
}
