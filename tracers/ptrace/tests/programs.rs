//! Real programs under the real tracer: what it says of them after folding.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use trace::{Clock, RunEnd, fold_run};

/// A scratch folder in which shell scripts run traced.
struct Job {
    run: tempfile::TempDir,
    work: tempfile::TempDir,
}

struct Outcome {
    status: ExitStatus,
    reads: Vec<String>,
    writes: Vec<String>,
    folded: contract::FoldedTrace,
}

impl Job {
    fn with(files: &[(&str, &str)]) -> Job {
        let job = Job { run: tempfile::tempdir().unwrap(), work: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            let path = job.work.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        job
    }

    fn sh(&self, script: &str) -> Outcome {
        let mut command = Command::new("/bin/sh");
        // Not ours: a script that truncates /dev/stdout would truncate the log of the tests.
        command.args(["-c", script]).current_dir(self.work.path()).stdout(Stdio::null());
        self.run(command)
    }

    fn run(&self, mut command: Command) -> Outcome {
        let lock = std::fs::File::create(self.run.path().join("lock")).unwrap();
        let mut tracer = ptrace::start(self.run.path(), "ptrace", lock.as_raw_fd(), Clock::start()).unwrap();
        let filter = ptrace::Filter::build();
        let (mut pid_out, mut pid_in) = std::io::pipe().unwrap();
        let (mut go_out, mut go_in) = std::io::pipe().unwrap();
        // SAFETY: only async-signal-safe calls between fork and exec.
        unsafe {
            command.pre_exec(move || {
                pid_in.write_all(&std::process::id().to_le_bytes())?;
                go_out.read_exact(&mut [0])?;
                filter.install()
            });
        }
        // `spawn` returns when the command has been executed, so somebody else must attach to it before.
        let attaching = std::thread::spawn(move || attach(&mut tracer, &mut pid_out, &mut go_in).map(|()| tracer));
        let mut child = command.spawn().unwrap();
        let mut tracer = attaching.join().unwrap().unwrap();
        let status = child.wait().unwrap();
        let lost = tracer.finish(Duration::from_secs(20));
        self.outcome(status, lost)
    }

    fn outcome(&self, status: ExitStatus, events_lost: u64) -> Outcome {
        let end = RunEnd {
            exit_code: status.code(),
            exit_signal: status.signal(),
            duration: Duration::ZERO,
            interrupted_by: 0,
            events_lost,
        };
        let folded = fold_run(self.run.path(), Some(end), |_, _| true).unwrap();
        let here = |paths: Vec<&Vec<u8>>| -> Vec<String> {
            let paths = paths.into_iter().map(|path| String::from_utf8(path.clone()).unwrap());
            paths
                .filter_map(|path| Some(Path::new(&path).strip_prefix(self.work.path()).ok()?.to_str()?.to_owned()))
                .collect()
        };
        Outcome {
            status,
            reads: here(folded.reads.iter().map(|read| &read.path).collect()),
            writes: here(folded.writes.iter().map(|write| &write.path).collect()),
            folded,
        }
    }
}

fn attach(tracer: &mut ptrace::Tracer, pid: &mut PipeReader, go: &mut PipeWriter) -> std::io::Result<()> {
    let mut number = [0; 4];
    pid.read_exact(&mut number)?;
    tracer.attach(i32::from_le_bytes(number))?;
    go.write_all(b"g")
}

#[track_caller]
fn expect(outcome: &Outcome, reads: &[&str], writes: &[&str]) {
    assert_eq!((outcome.reads.as_slice(), outcome.writes.as_slice()), (&owned(reads)[..], &owned(writes)[..]));
    assert_eq!(outcome.folded.warnings, []);
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn redirections_pipes_and_subshells_are_seen() {
    let outcome = Job::with(&[("in", "b\na\n")]).sh("sort < in | uniq > out; (echo more >> out2)");
    expect(&outcome, &["in"], &["out", "out2"]);
}

#[test]
fn copies_moves_and_links_are_seen() {
    let job = Job::with(&[("in", "x"), ("moved", "y"), ("d/one", "1")]);
    let outcome = job.sh("cp in copy; mv moved there; mv d e; ln in linked; ln -s in symbolic; cat symbolic");
    expect(&outcome, &["d/one", "in", "moved"], &["copy", "e/one", "linked", "there"]);
}

#[test]
fn touching_and_changing_modes_is_nothing() {
    let outcome =
        Job::with(&[("in", "x")]).sh("touch in; touch -d 2001-01-01 in; chmod 600 in; test -r in; ls; cat nothing");
    expect(&outcome, &[], &[]);
}

#[test]
fn a_relative_path_follows_the_folder_of_its_process() {
    let outcome = Job::with(&[("d/in", "x")]).sh("(cd d && cat in > ../out); cat /proc/self/cwd/out > /dev/null");
    expect(&outcome, &["d/in"], &["out"]);
}

#[test]
fn the_caller_s_own_descriptors_are_meant_by_proc_self() {
    let outcome = Job::with(&[("in", "x")]).sh("exec 3< in; cat /proc/self/fd/3 > out; echo more > /dev/stdout >> out");
    expect(&outcome, &["in"], &["out"]);
}

#[test]
fn a_script_and_its_interpreter_are_inputs() {
    let job = Job::with(&[("tool.sh", "#!/bin/sh\necho hi > out\n")]);
    let outcome = job.sh("chmod +x tool.sh; ./tool.sh");
    expect(&outcome, &["tool.sh"], &["out"]);
    let script = outcome.folded.reads.iter().find(|read| read.path.ends_with(b"tool.sh")).unwrap();
    assert!(script.executed);
}

#[test]
fn a_signal_ends_the_command_as_it_would_alone() {
    let outcome = Job::with(&[]).sh("echo x > out; kill -9 $$");
    expect(&outcome, &[], &["out"]);
    assert_eq!(outcome.status.signal(), Some(9));
    assert_eq!(outcome.folded.processes[0].exit_signal, Some(9));
}

#[test]
fn an_exit_code_comes_through() {
    assert_eq!(Job::with(&[]).sh("exit 7").status.code(), Some(7));
}

#[test]
fn a_stopped_process_goes_on_when_it_is_continued() {
    // Continued again and again, as the first time may come before the stop.
    let script = "(while [ ! -e awake ]; do kill -CONT $$; done) & kill -STOP $$; touch awake; wait; echo on > out";
    let outcome = Job::with(&[]).sh(script);
    assert_eq!(outcome.status.code(), Some(0));
    expect(&outcome, &[], &["awake", "out"]);
}

#[test]
fn every_process_is_listed_with_its_parent_and_end() {
    let outcome = Job::with(&[]).sh("/bin/true; /bin/sh -c 'exit 3'; exit 0");
    let processes = &outcome.folded.processes;
    assert_eq!(processes[0].parent_pid, 0);
    assert!(processes[1..].iter().all(|process| process.parent_pid == processes[0].pid));
    assert_eq!(processes.iter().map(|process| process.exit_code).collect::<Vec<_>>(), [Some(0), Some(0), Some(3)]);
    assert_eq!(processes[2].argv, [b"/bin/sh".to_vec(), b"-c".to_vec(), b"exit 3".to_vec()]);
}

#[test]
fn what_a_lost_launcher_left_can_be_folded() {
    let job = Job::with(&[("in", "x")]);
    job.sh("cat in > out; exit 4");
    let folded = fold_run(job.run.path(), None, |_, _| true).unwrap();
    assert!(folded.launcher_lost);
    assert_eq!(folded.exit_code, Some(4));
}

#[test]
fn a_trace_cut_anywhere_still_tells_what_came_before() {
    let job = Job::with(&[("in", "x")]);
    let whole = job.sh("cat in > out").folded.events;
    let path = job.run.path().join("trace.ptrace");
    let bytes = std::fs::read(&path).unwrap();
    let mut last = 0;
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let events = fold_run(job.run.path(), None, |_, _| true).unwrap().events;
        assert!(events >= last && events < whole, "{events} events of {length} bytes");
        last = events;
    }
}
