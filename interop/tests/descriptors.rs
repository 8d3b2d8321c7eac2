//! Open files, to and from live Twisted, in both roles.
#![cfg(unix)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Socket;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use amp_rpc::process::Program;
use amp_rpc::{Amp, Answer, CallError, Command, CommandError, Fields, Peer, Responders};
use support::python;
use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use tokio::task::JoinSet;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

#[derive(Debug, Command)]
struct Write {
    file: OwnedFd,
    text: Vec<u8>,
}

#[derive(Debug, Command)]
#[amp(response = Content)]
struct Read {
    text: Vec<u8>,
    padding: u32,
}

#[derive(Debug, Fields)]
struct Content {
    file: OwnedFd,
    padding: Vec<u8>,
}

#[derive(Debug, Command)]
#[amp(response = Sorted)]
struct Sort {
    a: OwnedFd,
    maybe: Option<OwnedFd>,
    padding: Vec<u8>,
    rows: Vec<Row>,
    z: OwnedFd,
}

#[derive(Debug, Fields)]
struct Row {
    file: OwnedFd,
    name: String,
}

#[derive(Debug, Fields)]
struct Sorted {
    files: Vec<Row>,
    maybe: Option<OwnedFd>,
    padding: Vec<u8>,
}

#[derive(Debug, Command)]
#[amp(response = Checked, error = Wrong)]
struct Check;

#[derive(Debug, Fields)]
struct Checked {
    checks: u32,
}

#[derive(Debug, CommandError, Error)]
enum Wrong {
    #[amp(code = "WRONG")]
    #[error("a check failed")]
    Wrong,
}

/// A socket from which a text can be read, to its end.
fn file_with(text: &[u8]) -> OwnedFd {
    let (mut here, there) = Socket::pair().expect("two sockets");
    here.write_all(text).expect("it fits");
    there.into()
}

/// What can be read until nobody writes any more.
async fn read_all(file: OwnedFd) -> Vec<u8> {
    let mut text = Vec::new();
    // A pipe or a socket, as whoever made it liked.
    let read = async {
        let mut file = tokio::fs::File::from_std(file.into());
        file.read_to_end(&mut text).await
    };
    let read = tokio::time::timeout(LONG, read).await;
    read.expect("it ends").expect("it can be read");
    text
}

fn service() -> Responders<()> {
    Responders::new()
        .on(async |write: Write| -> Answer<Write> {
            let mut file = std::fs::File::from(write.file);
            file.write_all(&write.text)
                .map_err(amp_rpc::Failure::unexpected)
        })
        .on(async |read: Read| -> Answer<Read> {
            Ok(Content {
                file: file_with(&read.text),
                padding: vec![b'p'; read.padding as usize],
            })
        })
        .on(async |sort: Sort| -> Answer<Sort> {
            let row = |name: &str, file| Row {
                file,
                name: name.into(),
            };
            let mut files = vec![row("z", sort.z)];
            files.extend(sort.rows.into_iter().rev());
            files.push(row("a", sort.a));
            Ok(Sorted {
                files,
                maybe: sort.maybe,
                padding: sort.padding,
            })
        })
}

async fn write(peer: &Peer, text: &[u8]) {
    let (here, file) = Socket::pair().expect("two sockets");
    let command = Write {
        file: file.into(),
        text: text.into(),
    };
    peer.call(command).await.expect("an answer");
    assert_eq!(read_all(here.into()).await, text);
}

async fn read(peer: &Peer, text: &[u8], padding: u32) {
    let command = Read {
        text: text.into(),
        padding,
    };
    let content = peer.call(command).await.expect("an answer");
    assert_eq!(content.padding.len(), padding as usize);
    assert_eq!(read_all(content.file).await, text);
}

async fn sort(peer: &Peer) {
    for (maybe, padding) in [(None, 0), (Some(b"maybe"), 65_535), (None, 65_535)] {
        let row = |name: &str| Row {
            file: file_with(name.as_bytes()),
            name: name.into(),
        };
        let command = Sort {
            a: file_with(b"a"),
            maybe: maybe.map(|text| file_with(text)),
            padding: vec![0; padding],
            rows: ["first", "second", "third"].map(row).into(),
            z: file_with(b"z"),
        };
        let sorted = peer.call(command).await.expect("an answer");
        let names: Vec<_> = sorted.files.iter().map(|row| &*row.name).collect();
        assert_eq!(names, ["z", "third", "second", "first", "a"]);
        for row in sorted.files {
            assert_eq!(read_all(row.file).await, row.name.as_bytes());
        }
        assert_eq!(sorted.maybe.is_some(), maybe.is_some());
        if let (Some(file), Some(maybe)) = (sorted.maybe, maybe) {
            assert_eq!(read_all(file).await, maybe);
        }
        assert_eq!(sorted.padding.len(), padding);
    }
}

/// Twisted answers all of them in one turn, with the files in front.
async fn many(peer: &Peer) {
    let mut calls = JoinSet::new();
    for number in 0..100_u32 {
        let (writer, reader) = (peer.clone(), peer.clone());
        let text = number.to_string().into_bytes();
        calls.spawn({
            let text = text.clone();
            async move { write(&writer, &text).await }
        });
        calls.spawn(async move { read(&reader, &text, number * 600).await });
    }
    calls.join_all().await;
}

/// Everything in both directions over one connection.
async fn try_all(peer: &Peer) {
    write(peer, b"hello").await;
    read(peer, b"content", 0).await;
    sort(peer).await;
    many(peer).await;
    let checked = peer.call(Check).await.map_err(|error| match error {
        CallError::Declared { description, .. } => description,
        other => format!("{other:?}"),
    });
    assert_eq!(checked.expect("all checks pass").checks, 5);
    // Both at the same time.
    let (checked, ()) = tokio::join!(peer.call(Check), many(peer));
    assert_eq!(checked.expect("all checks pass").checks, 5);
}

/// A folder that is removed at the end, for a socket.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("amp-rpc-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).expect("a new folder");
        Self(folder)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("peer.sock")
    }

    fn endpoint(&self) -> String {
        format!("unix:{}", self.socket().display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is only in the way of whoever looks there.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Twisted, which ends with its owner.
struct Twisted(Child);

impl Twisted {
    fn start(role: &str, folder: &Folder) -> Self {
        let mut command = python("descriptors_peer.py");
        command
            .arg(role)
            .arg(folder.socket())
            .stdout(Stdio::piped());
        Self(command.spawn().expect("the program starts"))
    }
}

impl Drop for Twisted {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn twisted_listens() {
    let folder = Folder::new("files-connecting");
    let mut twisted = Twisted::start("serve", &folder);
    let mut line = String::new();
    let out = twisted.0.stdout.as_mut().expect("it is piped");
    BufReader::new(out).read_line(&mut line).expect("a line");
    assert_eq!(line, "listening\n");
    let amp = Amp::new().locator(service());
    let peer = amp.connect(&folder.endpoint()).await.expect("it listens");
    let tried = tokio::time::timeout(LONG, try_all(&peer)).await;
    tried.expect("it ends in time");
}

/// A child with a socket as its descriptor 3.
#[tokio::test]
async fn twisted_is_a_child() {
    let python = python("descriptors_peer.py");
    let program = Program::new(python.get_program())
        .args(python.get_args())
        .args(["adopt", "3"])
        .descriptors(3, 3);
    let amp = Amp::new().locator(service());
    let (peer, child) = amp.spawn(&program).expect("the program starts");
    let tried = tokio::time::timeout(LONG, try_all(&peer)).await;
    tried.expect("it ends in time");
    peer.close();
    let ended = child.wait().await.expect("its status");
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn twisted_connects() {
    let folder = Folder::new("files-listening");
    let (sender, mut peers) = tokio::sync::mpsc::unbounded_channel();
    let amp = Amp::new().locator_for_each(move |peer| {
        // The test may be over.
        let _ = sender.send(peer.clone());
        service()
    });
    let server = amp.listen(&folder.endpoint()).await.expect("a socket");
    let _twisted = Twisted::start("connect", &folder);
    let peer = tokio::time::timeout(LONG, peers.recv()).await;
    let peer = peer.expect("Twisted connects").expect("a peer");
    let tried = tokio::time::timeout(LONG, try_all(&peer)).await;
    tried.expect("it ends in time");
    drop(server);
}
