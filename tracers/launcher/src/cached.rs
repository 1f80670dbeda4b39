//! `roar run --cached`: has the outputs of an earlier job put in place where the command would make the same ones.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::read_link;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Instant;

use contract::restore_cached_response::Event;
use contract::{
    CacheMiss, JobKind, RestoreCachedRequest, RestoreCachedResponse, RestoredOutputs, RunRecord, Surroundings,
};
use tonic::Streaming;

use crate::args::RunArgs;
use crate::caller::Caller;
use crate::client;
use crate::daemon::Mode;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::finish::patiently;
use crate::project::{Project, Settings};
use crate::reach::{Missed, until_answered};
use crate::report;
use crate::rundir;
use crate::runtime_dir::RuntimeDir;
use crate::skew::Replacement;

/// What to do with a command.
pub enum Verdict {
    /// Nothing: its outputs are in place, and that is recorded.
    Restored,
    /// Run it. Its outputs are to be kept for the next time when there are surroundings to know it by.
    Run(Option<Surroundings>),
}

/// Decides about a command, and says what was decided. Whatever is wrong, the command can be run.
pub fn decide(
    project: &Project,
    kind: JobKind,
    args: &RunArgs,
    mode: Mode,
    caller: &Caller,
    settings: &Settings,
) -> Verdict {
    // A setting is for the steps of the pipeline only: a build is to build.
    if !args.cached.unwrap_or(kind == JobKind::Run && settings.cached) {
        return Verdict::Run(None);
    }
    let answer = match has_input(libc::STDIN_FILENO) {
        true => {
            Err("its standard input is no terminal, and what comes from there is not known; try `< /dev/null`".into())
        }
        false => ask(rundir::record(project, kind, args), mode, caller, &settings.environment)
            .map_err(|failure| failure.fact),
    };
    let (reason, surroundings) = match answer {
        Ok(Answer::Restored(outputs)) => {
            report::restored(&outputs);
            return Verdict::Restored;
        }
        Ok(Answer::Miss(miss)) => (miss.reason, miss.surroundings),
        Err(reason) => (reason, None),
    };
    if !args.quiet {
        report::not_cached(&reason);
    }
    Verdict::Run(surroundings)
}

enum Answer {
    Restored(Box<RestoredOutputs>),
    Miss(CacheMiss),
}

fn ask(record: RunRecord, mode: Mode, caller: &Caller, environment: &Environment) -> Result<Answer, Failure> {
    let variable = |(name, value): (OsString, OsString)| [name.as_bytes(), b"=", value.as_bytes()].concat();
    let request = RestoreCachedRequest {
        record: Some(record),
        environment: environment.all().into_iter().map(variable).collect(),
        open_files: open_files(caller),
    };
    let place = match mode {
        Mode::Off => RuntimeDir::private(),
        Mode::Auto | Mode::Require => RuntimeDir::open(),
    }?;
    let replacement = Replacement::default();
    let last_contact = Cell::new(Instant::now());
    let asking = until_answered(&place, &last_contact, async || {
        let mut connected = client::connect(&place, None).await?;
        if let Some(outdated) = connected.outdated {
            replacement.ask(outdated).await?;
        }
        let mut events = patiently(connected.jobs.restore_cached(request.clone())).await?.into_inner();
        last_answer(&mut events, &last_contact).await
    });
    client::block_on(asking)
        .unwrap_or_else(|error| Err(Failure::new("no-daemon", "cannot talk to the daemon").cause(error.to_string())))
}

async fn last_answer(
    events: &mut Streaming<RestoreCachedResponse>,
    last_contact: &Cell<Instant>,
) -> Result<Answer, Missed> {
    while let Some(message) = patiently(events.message()).await? {
        last_contact.set(Instant::now());
        match message.event {
            Some(Event::Restored(outputs)) => return Ok(Answer::Restored(Box::new(outputs))),
            Some(Event::Miss(miss)) => return Ok(Answer::Miss(miss)),
            Some(Event::Progress(_)) | None => {}
        }
    }
    Err(Missed::NoDaemon("the daemon ended in the middle of its answer".into()))
}

/// The regular files that the command inherits, standard input left out. What has no name any more nobody will miss.
fn open_files(caller: &Caller) -> Vec<Vec<u8>> {
    let inherited = caller.descriptors().iter().copied().filter(|&fd| fd != libc::STDIN_FILENO);
    let files = inherited.chain([libc::STDERR_FILENO]).filter(|&fd| kind_of(fd) == Some(libc::S_IFREG));
    files.filter_map(|fd| Some(read_link(format!("/proc/self/fd/{fd}")).ok()?.into_os_string().into_vec())).collect()
}

/// Whether anything but a device is at a descriptor and not at its end.
fn has_input(fd: RawFd) -> bool {
    if matches!(kind_of(fd), Some(libc::S_IFCHR) | None) {
        return false;
    }
    let mut ready = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut left: libc::c_int = 0;
    // SAFETY: both calls only fill what they are given.
    let is_known = unsafe { libc::poll(&mut ready, 1, 0) == 1 && libc::ioctl(fd, libc::FIONREAD, &mut left) == 0 };
    !(is_known && left == 0)
}

fn kind_of(fd: RawFd) -> Option<libc::mode_t> {
    let mut found = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: fstat only fills `found`, which is valid when zeroed.
    let (done, found) = unsafe { (libc::fstat(fd, found.as_mut_ptr()), found.assume_init()) };
    (done == 0).then_some(found.st_mode & libc::S_IFMT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Write, pipe};
    use std::os::fd::AsRawFd;

    #[test]
    fn only_what_is_at_its_end_or_a_device_is_no_input() {
        let (reader, mut writer) = pipe().unwrap();
        assert!(has_input(reader.as_raw_fd()));
        writer.write_all(b"x").unwrap();
        drop(writer);
        assert!(has_input(reader.as_raw_fd()));
        let (reader, writer) = pipe().unwrap();
        drop(writer);
        assert!(!has_input(reader.as_raw_fd()));
        assert!(!has_input(File::open("/dev/null").unwrap().as_raw_fd()));
        let mut file = tempfile::tempfile().unwrap();
        assert!(!has_input(file.as_raw_fd()));
        file.write_all(b"x").unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        assert!(has_input(file.as_raw_fd()));
    }
}
