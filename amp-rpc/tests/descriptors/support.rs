use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as Socket;
use std::time::Duration;

use amp_rpc::{Amp, Answer, Command, CommandError, EndReason, Failure, Fields, Peer, Responders};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

/// Longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Writes `text` into what it is given.
#[derive(Debug, Command)]
pub(crate) struct Write1 {
    pub(crate) file: OwnedFd,
    pub(crate) text: String,
}

/// Gives what can be read: `text`.
#[derive(Debug, Command)]
#[amp(response = Opened, error = Refused)]
pub(crate) struct Open {
    pub(crate) text: String,
    /// How many bytes the answer has besides.
    pub(crate) padding: u32,
}

#[derive(Debug, Fields)]
pub(crate) struct Opened {
    pub(crate) file: OwnedFd,
    /// Behind the descriptor in the box.
    pub(crate) padding: Vec<u8>,
}

#[derive(Debug, CommandError, Error)]
pub(crate) enum Refused {
    #[amp(code = "REFUSED")]
    #[error("refused")]
    Refused,
}

/// A pipe in which a text waits, at whose other end nobody writes any more.
pub(crate) fn text(text: &str) -> OwnedFd {
    let (mut here, there) = Socket::pair().unwrap();
    here.write_all(text.as_bytes()).unwrap();
    there.into()
}

/// What can be read until nobody has the other end any more.
pub(crate) async fn read_all(file: OwnedFd) -> String {
    let file = Socket::from(file);
    file.set_nonblocking(true).unwrap();
    let mut file = UnixStream::from_std(file).unwrap();
    let mut text = String::new();
    let read = file.read_to_string(&mut text);
    tokio::time::timeout(LONG, read).await.unwrap().unwrap();
    text
}

async fn write(command: Write1) -> Answer<Write1> {
    let mut file = Socket::from(command.file);
    file.write_all(command.text.as_bytes())
        .map_err(Failure::unexpected)
}

async fn open(command: Open) -> Answer<Open> {
    if command.text == "no" {
        return Err(Refused::Refused.into());
    }
    Ok(Opened {
        file: text(&command.text),
        padding: vec![0; command.padding as usize],
    })
}

pub(crate) fn service() -> Responders<()> {
    Responders::new().on(write).on(open)
}

/// Two sides of a connection over a Unix socket, both of which serve.
pub(crate) fn pair(amp: &Amp) -> (Peer, Peer) {
    let (left, right) = UnixStream::pair().unwrap();
    (amp.over(left), amp.over(right))
}

pub(crate) fn serving() -> Amp {
    Amp::new().locator(service())
}

/// A side that serves, and a peer that sends what it likes.
pub(crate) fn with_raw(amp: &Amp) -> (Peer, Raw) {
    let (left, right) = UnixStream::pair().unwrap();
    let right = right.into_std().unwrap();
    right.set_nonblocking(false).unwrap();
    right.set_read_timeout(Some(LONG)).unwrap();
    (amp.over(left), Raw(right))
}

/// A peer that sends what it likes.
pub(crate) struct Raw(pub(crate) Socket);

impl Raw {
    /// Sends bytes together with descriptors.
    pub(crate) fn send(&self, bytes: &[u8], files: &[&OwnedFd]) {
        let files: Vec<_> = files.iter().map(|file| file.as_fd()).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
        let sent = sendmsg(
            &self.0,
            &[IoSlice::new(bytes)],
            &mut control,
            SendFlags::empty(),
        );
        assert_eq!(sent.unwrap(), bytes.len());
    }

    /// Reads a whole box.
    pub(crate) fn read_box(&mut self) -> Vec<u8> {
        let mut message = Vec::new();
        let mut length = [0; 2];
        loop {
            self.0.read_exact(&mut length).unwrap();
            message.extend_from_slice(&length);
            if length == [0, 0] && message.len() > 2 {
                return message;
            }
            let mut text = vec![0; usize::from(u16::from_be_bytes(length))];
            self.0.read_exact(&mut text).unwrap();
            message.extend_from_slice(&text);
        }
    }
}

/// A box as it is sent.
pub(crate) fn message(pairs: &[(&str, &str)]) -> Vec<u8> {
    let pairs = pairs.iter().copied();
    amp_rpc::AmpBox::from_iter(pairs).to_bytes().unwrap()
}

/// Why a connection ended on this side.
pub(crate) async fn reason(peer: &Peer) -> amp_rpc::CloseReason {
    let reason = tokio::time::timeout(LONG, peer.closed()).await.unwrap();
    match reason {
        EndReason::Ended(reason) => (*reason).clone(),
        other => panic!("{other:?}"),
    }
}

/// Waits until every other end of a socket is closed.
pub(crate) async fn closed_elsewhere(file: Socket) {
    assert_eq!(read_all(file.into()).await, "");
}
