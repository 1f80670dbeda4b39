//! The socket of the collector: who comes, and what they say. The messages are described in lib.rs.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::socket::{
    self, AddressFamily, Backlog, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, sockopt,
};

/// A datagram, and the descriptor that came with it.
pub struct Message {
    bytes: Vec<u8>,
    pub descriptor: Option<OwnedFd>,
}

/// What a message asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request<'a> {
    Run { child: u32, start_ns: u64, rundir: &'a Path },
    End,
    Hold { version: &'a str },
}

pub enum Received {
    Message(Message),
    /// The peer is gone.
    End,
    Nothing,
}

impl Message {
    /// None: not understood.
    pub fn request(&self) -> Option<Request<'_>> {
        let mut words = self.bytes.splitn(2, |&byte| byte == b' ');
        match (words.next()?, words.next()) {
            (b"end", None) => Some(Request::End),
            (b"hold", Some(version)) => Some(Request::Hold { version: std::str::from_utf8(version).ok()? }),
            (b"run", Some(rest)) => {
                let mut words = rest.splitn(3, |&byte| byte == b' ');
                let mut number = || std::str::from_utf8(words.next()?).ok()?.parse::<u64>().ok();
                let (child, start_ns) = (u32::try_from(number()?).ok()?, number()?);
                Some(Request::Run { child, start_ns, rundir: Path::new(OsStr::from_bytes(words.next()?)) })
            }
            _ => None,
        }
    }
}

/// Listens at a path. It gets its name when it listens: nobody ever finds a socket that does not answer. The caller holds
/// the lock of the directory, so what is there already is dead.
pub fn listen(path: &Path) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let listener = socket::socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    let unnamed = path.with_extension("new");
    let _ = fs::remove_file(&unnamed);
    socket::bind(listener.as_raw_fd(), &UnixAddr::new(&unnamed)?)?;
    socket::listen(&listener, Backlog::MAXCONN)?;
    fs::rename(&unnamed, path)?;
    Ok(listener)
}

/// Where a listener can be found.
pub fn path_of(listener: &OwnedFd) -> io::Result<PathBuf> {
    let address: UnixAddr = socket::getsockname(listener.as_raw_fd())?;
    let path = address.path().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    Ok(path.with_extension("sock"))
}

pub fn accept(listener: &OwnedFd) -> Option<OwnedFd> {
    let fd = socket::accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK).ok()?;
    // SAFETY: the descriptor is new, and ours.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// User id of whoever connected.
pub fn user_of(peer: BorrowedFd) -> Option<u32> {
    socket::getsockopt(&peer, sockopt::PeerCredentials).ok().map(|credentials| credentials.uid())
}

pub fn receive(peer: BorrowedFd) -> Received {
    let mut bytes = vec![0; ebpf::MESSAGE_MAX];
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let (size, descriptor) = match socket::recvmsg::<()>(peer.as_raw_fd(), &mut parts, Some(&mut space), flags) {
        Ok(received) => (received.bytes, received.cmsgs().ok().and_then(|mut all| all.find_map(descriptor))),
        Err(nix::Error::EAGAIN | nix::Error::EINTR) => return Received::Nothing,
        Err(_) => return Received::End,
    };
    bytes.truncate(size);
    match size {
        0 => Received::End,
        _ => Received::Message(Message { bytes, descriptor }),
    }
}

fn descriptor(control: ControlMessageOwned) -> Option<OwnedFd> {
    let ControlMessageOwned::ScmRights(fds) = control else { return None };
    // SAFETY: the kernel has just made these descriptors for us.
    let mut fds: Vec<OwnedFd> = fds.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).collect();
    fds.pop()
}

/// A peer that does not listen is no concern of ours.
pub fn send(peer: RawFd, message: &[u8]) {
    let _ = socket::send(peer, message, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Message {
        Message { bytes: text.as_bytes().to_vec(), descriptor: None }
    }

    #[test]
    fn requests_are_words_and_a_path() {
        let run = request("run 12 345 /a b/c");
        assert_eq!(run.request(), Some(Request::Run { child: 12, start_ns: 345, rundir: Path::new("/a b/c") }));
        assert_eq!(request("end").request(), Some(Request::End));
        assert_eq!(request("hold 1.2").request(), Some(Request::Hold { version: "1.2" }));
    }

    #[test]
    fn other_words_are_not_understood() {
        for text in ["", "run", "run 1", "run x 2 /a", "run -1 2 /a", "run 1 2", "end now", "stop"] {
            assert!(request(text).request().is_none(), "{text}");
        }
    }
}
