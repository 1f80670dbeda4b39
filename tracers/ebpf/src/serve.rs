//! The collector's life: launchers come with runs and go, a daemon holds it, events are written down.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::drain::drain;
use crate::load::Programs;
use crate::runs::{Order, Runs};
use crate::socket::{self, Message, Received, Request};
use crate::verdict::Obstacle;

/// Events wait so long at most.
const BEAT: Duration = Duration::from_millis(20);
/// Looking after the rest, when there is no run.
const IDLE_BEAT: Duration = Duration::from_millis(500);
/// The programs stay attached that long after the last run: mostly another follows.
const LINGER: Duration = Duration::from_secs(2);
/// Without daemon and run, the collector ends after that.
const GRACE: Duration = Duration::from_secs(3);
/// Processes that outlive their command by no more than their exit.
const LAST_EXITS: Duration = Duration::from_millis(20);

const RING: u64 = 0;
const LISTENER: u64 = 1;

/// Somebody who is connected.
struct Peer {
    socket: OwnedFd,
    role: Role,
}

enum Role {
    /// Has not said yet what it wants.
    New,
    Holder,
    Launcher {
        run: u32,
        /// It waits for an answer to `end`, until this.
        ending: Option<Instant>,
    },
}

pub struct Server {
    programs: Programs,
    runs: Runs,
    epoll: Epoll,
    listener: OwnedFd,
    peers: HashMap<u64, Peer>,
    next_peer: u64,
    user: u32,
    idle_since: Instant,
    _lock: File,
}

impl Server {
    /// Listens in a runtime directory. Errors: another collector does already, or there is no socket to be had.
    pub fn open(programs: Programs, folder: &Path) -> Result<Server, Obstacle> {
        let cannot = |error: io::Error| Obstacle::new("refused", format!("`{}`: {error}", folder.display()));
        let lock = take_lock(folder).map_err(cannot)?;
        let listener = socket::listen(&folder.join(ebpf::SOCKET)).map_err(cannot)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(|error| cannot(error.into()))?;
        // Edge-triggered: what is there already is left to the next beat, or to whoever wakes us.
        let ring = EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, RING);
        epoll.add(&programs.events, ring).map_err(|error| cannot(error.into()))?;
        epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER)).map_err(|error| cannot(error.into()))?;
        // SAFETY: always succeeds.
        let user = unsafe { libc::geteuid() };
        let idle_since = Instant::now();
        let (runs, peers) = (Runs::default(), HashMap::new());
        Ok(Server { programs, runs, epoll, listener, peers, next_peer: LISTENER + 1, user, idle_since, _lock: lock })
    }

    /// Serves until nobody needs it any more.
    pub fn serve(mut self) {
        let mut ready = [EpollEvent::empty(); 64];
        loop {
            let beat = if self.runs.is_empty() { IDLE_BEAT } else { BEAT };
            let timeout = EpollTimeout::try_from(beat).unwrap_or(EpollTimeout::ZERO);
            let count = self.epoll.wait(&mut ready, timeout).unwrap_or(0);
            // First what has happened, then who wants to know of it.
            if !self.runs.is_empty() {
                drain(&mut self.programs, &mut self.runs);
            }
            for event in &ready[..count] {
                match event.data() {
                    RING => {}
                    LISTENER => self.welcome(),
                    peer => self.listen_to(peer),
                }
            }
            self.answer_endings();
            self.runs.end_abandoned(&mut self.programs);
            if self.rest() {
                return;
            }
        }
    }

    fn welcome(&mut self) {
        let Some(socket) = socket::accept(&self.listener) else { return };
        let key = self.next_peer;
        self.next_peer += 1;
        if self.epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, key)).is_ok() {
            self.peers.insert(key, Peer { socket, role: Role::New });
        }
    }

    fn listen_to(&mut self, key: u64) {
        let Some(peer) = self.peers.get(&key) else { return };
        match socket::receive(peer.socket.as_fd()) {
            Received::Nothing => {}
            Received::End => self.part_from(key),
            Received::Message(message) => self.obey(key, message),
        }
    }

    fn part_from(&mut self, key: u64) {
        let Some(peer) = self.peers.remove(&key) else { return };
        let _ = self.epoll.delete(&peer.socket);
        if let Role::Launcher { run, .. } = peer.role {
            self.runs.abandon(run);
        }
    }

    fn obey(&mut self, key: u64, message: Message) {
        let answer = match message.request() {
            Some(Request::Run { child, start_ns, rundir }) => {
                let rundir = rundir.to_owned();
                self.begin(key, child, start_ns, &rundir, message.descriptor)
            }
            Some(Request::End) => return self.begin_end(key),
            Some(Request::Hold { version }) => self.hold(key, version),
            None => Err(io::Error::other("not understood")),
        };
        let text = answer.map_or_else(|error| format!("no {error}"), |()| "ok".to_owned());
        self.say(key, &text);
    }

    fn say(&mut self, key: u64, text: &str) {
        if let Some(peer) = self.peers.get(&key) {
            socket::send(peer.socket.as_raw_fd(), text.as_bytes());
        }
    }

    fn begin(&mut self, key: u64, child: u32, start_ns: u64, rundir: &Path, lock: Option<OwnedFd>) -> io::Result<()> {
        let user = self.peers.get(&key).and_then(|peer| socket::user_of(peer.socket.as_fd()));
        let user = user.filter(|&user| user == self.user || self.user == 0);
        let user = user.ok_or_else(|| io::Error::other("this collector serves another user"))?;
        let lock = lock.ok_or_else(|| io::Error::other("the lock of the run is missing"))?;
        if !self.programs.is_attached() {
            self.programs.attach().map_err(io::Error::other)?;
        }
        let run = self.runs.add(&mut self.programs, Order { child, start_ns, rundir, lock }, user)?;
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.role = Role::Launcher { run, ending: None };
        }
        Ok(())
    }

    fn begin_end(&mut self, key: u64) {
        if let Some(Peer { role: Role::Launcher { ending, .. }, .. }) = self.peers.get_mut(&key) {
            *ending = Some(Instant::now() + LAST_EXITS);
        }
    }

    fn hold(&mut self, key: u64, version: &str) -> io::Result<()> {
        if version != contract::ROAR_VERSION {
            return Err(io::Error::other(format!("this is the collector of roar {}", contract::ROAR_VERSION)));
        }
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.role = Role::Holder;
        }
        Ok(())
    }

    /// Answers launchers whose command has ended, once its last processes have as well, or the time is up.
    fn answer_endings(&mut self) {
        let now = Instant::now();
        let due = |(&key, peer): (&u64, &Peer)| match peer.role {
            Role::Launcher { run, ending: Some(until) } if until <= now || Runs::alive(&self.programs, run) == 0 => {
                Some((key, run))
            }
            _ => None,
        };
        let due: Vec<(u64, u32)> = self.peers.iter().filter_map(due).collect();
        if due.is_empty() {
            return;
        }
        drain(&mut self.programs, &mut self.runs);
        for (key, run) in due {
            let lost = self.runs.end(&mut self.programs, run);
            self.say(key, &format!("ended {lost}"));
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.role = Role::New;
            }
        }
    }

    /// Detaches the programs when they are not needed. Returns whether the collector itself is not either.
    fn rest(&mut self) -> bool {
        if !self.runs.is_empty() {
            self.idle_since = Instant::now();
            return false;
        }
        let idle = self.idle_since.elapsed();
        if idle >= LINGER && self.programs.is_attached() {
            self.programs.detach();
        }
        idle >= GRACE && self.peers.is_empty()
    }
}

/// There is one collector in a runtime directory; it holds this lock as long as it lives.
fn take_lock(folder: &Path) -> io::Result<File> {
    let path = folder.join("collector.lock");
    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    // SAFETY: the descriptor is open.
    match unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } {
        0 => Ok(lock),
        _ => Err(io::Error::other("another collector is here already")),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(path) = socket::path_of(&self.listener) {
            let _ = fs::remove_file(path);
        }
    }
}
