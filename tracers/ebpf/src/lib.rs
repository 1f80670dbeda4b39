//! The launcher's way to the collector, which watches processes by BPF programs for all runs of a user.
//!
//! One message is one datagram of a SOCK_SEQPACKET socket in the runtime directory: words in ASCII, a path last.
//!
//! | to the collector | answer | says |
//! |---|---|---|
//! | `run PID START_NS PATH`, with the lock of the run as a descriptor | `ok` or `no REASON` | watch this child, and what it starts |
//! | `end` | `ended LOST` | everything that happened up to now is in the run directory; LOST events are not |
//! | `hold VERSION` | `ok` or `no REASON` | stay as long as this connection does |
//!
//! A launcher that goes without `end` leaves its run to be watched until the last process of it has ended.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::{self, AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, sockopt};
use nix::sys::time::TimeVal;

/// Name of the socket in the runtime directory.
pub const SOCKET: &str = "collector.sock";
/// Longest message.
pub const MESSAGE_MAX: usize = 8192;

/// The collector loads nothing and lists nothing while it answers this.
const PATIENCE: Duration = Duration::from_secs(2);

/// A run that the collector watches for us.
#[derive(Debug)]
pub struct Collector {
    socket: OwnedFd,
    /// It did not answer as it should have: it was killed, most likely.
    gone: bool,
}

impl Collector {
    /// Has a child of ours watched from now on, its events written to `rundir`, and `lock` kept open until all its
    /// processes have ended. Errors: no collector is there, or the reason that it gives.
    pub fn watch(
        socket: &Path,
        rundir: &Path,
        lock: RawFd,
        child: libc::pid_t,
        start_ns: u64,
    ) -> io::Result<Collector> {
        let mut collector = Collector { socket: connect(socket)?, gone: false };
        let head = format!("run {child} {start_ns} ");
        let answer = collector.ask(&[head.as_bytes(), rundir.as_os_str().as_bytes()].concat(), &[lock], PATIENCE)?;
        match answer.strip_prefix(b"no ") {
            None => Ok(collector),
            Some(reason) => Err(io::Error::other(String::from_utf8_lossy(reason).into_owned())),
        }
    }

    /// Has everything written that happened up to now. Returns the number of events that were lost; 0 when the collector is
    /// gone, which `is_gone` tells from then on.
    pub fn end(&mut self, patience: Duration) -> u64 {
        let lost = self.ask(b"end", &[], patience).ok().and_then(|answer| {
            let text = OsStr::from_bytes(answer.strip_prefix(b"ended ")?).to_str()?.to_owned();
            text.parse().ok()
        });
        self.gone = lost.is_none();
        lost.unwrap_or(0)
    }

    pub fn is_gone(&self) -> bool {
        self.gone
    }

    fn ask(&mut self, message: &[u8], descriptors: &[RawFd], patience: Duration) -> io::Result<Vec<u8>> {
        let wait = TimeVal::new(patience.as_secs() as i64, i64::from(patience.subsec_micros()));
        socket::setsockopt(&self.socket, sockopt::ReceiveTimeout, &wait)?;
        let control = [ControlMessage::ScmRights(descriptors)];
        let control = if descriptors.is_empty() { &control[..0] } else { &control[..] };
        let fd = self.socket.as_raw_fd();
        socket::sendmsg::<()>(fd, &[io::IoSlice::new(message)], control, MsgFlags::MSG_NOSIGNAL, None)?;
        let mut answer = vec![0; MESSAGE_MAX];
        let size = socket::recv(fd, &mut answer, MsgFlags::empty())?;
        answer.truncate(size);
        match size {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the collector has ended")),
            _ => Ok(answer),
        }
    }
}

fn connect(path: &Path) -> io::Result<OwnedFd> {
    let socket = socket::socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    let address = UnixAddr::new(path)?;
    match socket::connect(socket.as_raw_fd(), &address) {
        Ok(()) => Ok(socket),
        Err(nix::Error::ENOENT | nix::Error::ECONNREFUSED) => {
            Err(io::Error::new(io::ErrorKind::NotFound, "no collector is running"))
        }
        Err(error) => Err(error.into()),
    }
}
