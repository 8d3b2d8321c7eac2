//! Making inherited descriptors this program's own.
//!
//! A descriptor is only a number until somebody owns it, and Rust lets nobody own a number safely:
//! another part of the program may own it already. So it is never owned here. It is sent through a
//! Unix socket, which takes a number and gives a new descriptor for the same file, and then the number
//! is closed. What remains is to close no number that this program has opened itself.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use nix::fcntl::OFlag;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// The numbers that were claimed. The system gives them to other files, which are not inherited.
static CLAIMED: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());

/// Claims descriptors that were inherited, if `make` can make something of them; if it cannot, they are
/// left as they were.
pub(super) fn claim<const N: usize, T>(
    numbers: [RawFd; N],
    make: impl FnOnce([OwnedFd; N]) -> io::Result<T>,
) -> io::Result<T> {
    let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
    claim_except(&mut claimed, numbers, make)
}

fn claim_except<const N: usize, T>(
    claimed: &mut BTreeSet<RawFd>,
    numbers: [RawFd; N],
    make: impl FnOnce([OwnedFd; N]) -> io::Result<T>,
) -> io::Result<T> {
    let mut owned = Vec::with_capacity(N);
    for number in numbers {
        check(number, claimed)?;
        owned.push(duplicate(number)?);
    }
    let owned = owned.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    let made = make(owned)?;
    for number in numbers {
        claimed.insert(number);
        // Nothing can be done if it fails, and the program has the file.
        let _ = nix::unistd::close(number);
    }
    Ok(made)
}

fn check(number: RawFd, claimed: &BTreeSet<RawFd>) -> io::Result<()> {
    if (0..=2).contains(&number) {
        return Err(invalid(format!(
            "{number} is one of the standard descriptors; for 0 and 1 there is \"stdio:\""
        )));
    }
    if claimed.contains(&number) {
        return Err(invalid(format!(
            "descriptor {number} has been taken before in this process"
        )));
    }
    if is_close_on_exec(number)? == Some(true) {
        return Err(invalid(format!(
            "descriptor {number} is not inherited: this process has opened it itself"
        )));
    }
    Ok(())
}

/// Whether a descriptor would not have come through the start of this program. `None`: this system does
/// not tell.
fn is_close_on_exec(number: RawFd) -> io::Result<Option<bool>> {
    let folder = Path::new("/proc/self/fdinfo");
    let text = match fs::read_to_string(folder.join(number.to_string())) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder.exists() => {
            return Err(not_open(number));
        }
        Err(_) => return Ok(None),
    };
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok());
    Ok(flags.map(|flags| flags & OFlag::O_CLOEXEC.bits() != 0))
}

/// Another descriptor for the same file, owned, and closed when a program is executed.
fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    let (left, right) = UnixStream::pair()?;
    sendmsg::<()>(
        left.as_raw_fd(),
        &[IoSlice::new(&[0])],
        &[ControlMessage::ScmRights(&[number])],
        MsgFlags::empty(),
        None,
    )
    .map_err(|error| match error {
        nix::Error::EBADF => not_open(number),
        error => error.into(),
    })?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(
        &right,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        RecvFlags::empty(),
    )?;
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let descriptor = descriptor.ok_or_else(|| not_open(number))?;
    fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
    Ok(descriptor)
}

fn not_open(number: RawFd) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!(
            "descriptor {number} is not open: the program that started this one has not given it"
        ),
    )
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::IntoRawFd;
    use std::time::Duration;

    use super::*;

    /// A descriptor as it is after the start of a program, and the other end of its socket.
    fn inherited() -> (RawFd, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        fcntl_setfd(&theirs, FdFlags::empty()).unwrap();
        ours.set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        (theirs.into_raw_fd(), ours)
    }

    fn error_of(claimed: &mut BTreeSet<RawFd>, number: RawFd) -> String {
        let refused = claim_except(claimed, [number], |_| Ok(()));
        refused.unwrap_err().to_string()
    }

    /// Claims a socket, writes into it, and closes it.
    fn write(claimed: &mut BTreeSet<RawFd>, number: RawFd) {
        let make = |[descriptor]: [_; 1]| Ok(UnixStream::from(descriptor));
        let mut socket = claim_except(claimed, [number], make).unwrap();
        socket.write_all(b"text").unwrap();
    }

    #[test]
    fn a_descriptor_is_claimed_once() {
        let (number, mut ours) = inherited();
        let claimed = &mut BTreeSet::new();
        write(claimed, number);
        let mut text = String::new();
        // The end comes only if the number is closed too.
        ours.read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        let expected = format!("descriptor {number} has been taken before in this process");
        assert_eq!(error_of(claimed, number), expected);
    }

    #[test]
    fn a_descriptor_of_no_use_is_left_alone() {
        let (number, mut ours) = inherited();
        let claimed = &mut BTreeSet::new();
        let make = |_: [_; 1]| Err::<(), _>(io::ErrorKind::Unsupported.into());
        let refused = claim_except(claimed, [number], make);
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::Unsupported);
        write(claimed, number);
        let mut text = String::new();
        ours.read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
    }

    #[test]
    fn what_is_not_inherited_is_refused() {
        let claimed = &mut BTreeSet::new();
        let (ours, _other) = UnixStream::pair().unwrap();
        let number = ours.as_raw_fd();
        let expected =
            format!("descriptor {number} is not inherited: this process has opened it itself");
        assert_eq!(error_of(claimed, number), expected);
        for number in 0..=2 {
            let expected = format!(
                "{number} is one of the standard descriptors; for 0 and 1 there is \"stdio:\""
            );
            assert_eq!(error_of(claimed, number), expected);
        }
        for number in [-1, 1_000_000, RawFd::MAX] {
            let expected = format!(
                "descriptor {number} is not open: the program that started this one has not given it"
            );
            assert_eq!(error_of(claimed, number), expected);
        }
    }
}
