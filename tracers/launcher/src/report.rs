//! Everything that is said on stderr: the summary of a run, warnings, errors. Nothing here fails when stderr is gone.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use contract::{Job, JobFile, JobStatus, RestoredOutputs, Warning};

use crate::daemon::Mode;
use crate::failure::Failure;
use crate::signals;

/// Says why something was not done; returns the exit status that goes with it.
pub fn failure(failure: &Failure) -> ExitCode {
    say(&failure.to_string());
    ExitCode::from(failure.exit_status)
}

/// Says what the record does not know.
pub fn warning(warning: &Warning) {
    say(&format!("warning[{}]: {}", warning.code, printable(&warning.message)));
}

/// Says which command a step is.
pub fn again(step: &str, command: &str) {
    say(&format!("{step}: {command}"));
}

/// Says that a run is not recorded, and why, and what becomes of it.
pub fn not_recorded(why: &Failure, what_becomes: &str) {
    let mut text = format!("warning[not-recorded]: {}", why.fact);
    why.cause.lines().chain(what_becomes.lines()).for_each(|line| text += &format!("\n  {line}"));
    if !why.hint.is_empty() {
        text += &format!("\nhint: {}", why.hint);
    }
    say(&text);
}

/// Says who goes on alone.
pub fn not_waited_for(mode: Mode) {
    say(match mode {
        Mode::Off => "the recording of this run was broken off; the next command of roar in the project records it",
        Mode::Auto | Mode::Require => "the daemon goes on recording this run; `roar log` shows it when it is done",
    });
}

/// Prints the summary of a recorded run, and its warnings but for those that were shown before.
pub fn summary(job: &Job, shown: &[Warning]) {
    say(&summary_line(job));
    job.warnings.iter().filter(|warning| !shown.contains(warning)).for_each(self::warning);
}

/// Says that a command was not run, and whose outputs are in place.
pub fn restored(outputs: &RestoredOutputs) {
    say(&restored_line(outputs));
}

/// Says why a command is run that might have been spared.
pub fn not_cached(reason: &str) {
    say(&format!("not cached: {}", printable(reason)));
}

/// Writes to stderr, in one piece. A caller without stderr does not hear it.
fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

fn restored_line(outputs: &RestoredOutputs) -> String {
    let job = outputs.job.clone().unwrap_or_default();
    let files = match outputs.files {
        0 => "all files in place".to_owned(),
        1 => format!("restored 1 file ({})", size(outputs.bytes)),
        count => format!("restored {count} files ({})", size(outputs.bytes)),
    };
    format!("{} · cached: as job {}, {files} · job {}", step(&job), job.cached_from, job.uid)
}

fn step(job: &Job) -> String {
    let name = if job.step_name.is_empty() { String::new() } else { format!(" {}", printable(&job.step_name)) };
    format!("{}{name}", job.step)
}

fn summary_line(job: &Job) -> String {
    let mut parts = vec![format!("{} {}", step(job), duration(Duration::from_nanos(job.duration_ns)))];
    parts.extend(outcome(job));
    parts.push(format!("read {}", job.input_count));
    parts.push(match job.output_count {
        0 => "wrote 0".to_owned(),
        count => format!("wrote {count} ({})", size(job.output_bytes)),
    });
    parts.extend(largest(&job.outputs).map(file));
    parts.push(format!("job {}", job.uid));
    parts.join(" · ")
}

/// How a command ended that did not end well.
fn outcome(job: &Job) -> Option<String> {
    let how = match (job.exit_signal, job.exit_code) {
        (Some(signal), _) => signals::name(signal),
        (None, Some(code)) => format!("exit {code}"),
        (None, None) => "exit status unknown".to_owned(),
    };
    match job.status() {
        JobStatus::Ok => None,
        JobStatus::Interrupted => Some(format!("interrupted ({how})")),
        _ => Some(format!("failed ({how})")),
    }
}

fn largest(files: &[JobFile]) -> Option<&JobFile> {
    files.iter().max_by_key(|file| file.size)
}

fn file(file: &JobFile) -> String {
    let name = file.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let hash: String = file.hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{} {hash}", printable(&String::from_utf8_lossy(name))).trim_end().to_owned()
}

/// Text that cannot play tricks on a terminal.
fn printable(text: &str) -> String {
    text.chars().flat_map(|char| if char.is_control() { char.escape_default().collect() } else { vec![char] }).collect()
}

/// A duration as a person says it: `840ms`, `12.3s`, `2m13s`, `3h05m`.
fn duration(duration: Duration) -> String {
    let exact = duration.as_secs_f64();
    let seconds = exact.round() as u64;
    if exact < 0.9995 {
        format!("{:.0}ms", exact * 1000.0)
    } else if exact < 59.95 {
        format!("{exact:.1}s")
    } else if seconds < 3600 {
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60)
    }
}

/// A size with a binary unit: `817 B`, `1.2 GiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        let output = |path: &str, size| JobFile {
            path: path.into(),
            size,
            hash: vec![0x7f, 0x1e, 0xc9, 0xa4, 0],
            ..JobFile::default()
        };
        Job {
            uid: "8f2a01bc".into(),
            step: "@4".into(),
            step_name: "train.py".into(),
            status: JobStatus::Ok.into(),
            exit_code: Some(0),
            duration_ns: 133_400_000_000,
            input_count: 3,
            output_count: 2,
            output_bytes: 1_288_490_189,
            outputs: vec![output("log.txt", 7), output("out/model.pt", 1_288_490_182)],
            ..Job::default()
        }
    }

    #[test]
    fn the_summary_is_one_line() {
        let line = "@4 train.py 2m13s · read 3 · wrote 2 (1.2 GiB) · model.pt 7f1ec9a4 · job 8f2a01bc";
        assert_eq!(summary_line(&job()), line);
    }

    #[test]
    fn a_restored_job_is_one_line_too() {
        let job = Some(Job { cached_from: "48df4520".into(), ..job() });
        let line = |files, bytes| restored_line(&RestoredOutputs { job: job.clone(), files, bytes });
        assert_eq!(
            line(1, 338_944),
            "@4 train.py · cached: as job 48df4520, restored 1 file (331.0 KiB) · job 8f2a01bc"
        );
        assert_eq!(line(0, 0), "@4 train.py · cached: as job 48df4520, all files in place · job 8f2a01bc");
    }

    #[test]
    fn a_bad_end_is_said() {
        let mut job = Job { status: JobStatus::Failed.into(), exit_code: Some(3), outputs: vec![], ..job() };
        job.output_count = 0;
        assert_eq!(summary_line(&job), "@4 train.py 2m13s · failed (exit 3) · read 3 · wrote 0 · job 8f2a01bc");
        (job.exit_code, job.exit_signal) = (None, Some(libc::SIGSEGV));
        assert!(summary_line(&job).contains(" · failed (SIGSEGV) · "));
        (job.status, job.exit_signal) = (JobStatus::Interrupted.into(), Some(libc::SIGINT));
        assert!(summary_line(&job).contains(" · interrupted (SIGINT) · "));
    }

    #[test]
    fn odd_names_do_no_harm_to_a_terminal() {
        let odd = JobFile { path: b"d/\x1b[2Ja\xff\n".to_vec(), ..JobFile::default() };
        assert_eq!(file(&odd), "\\u{1b}[2Ja\u{fffd}\\n");
    }

    #[test]
    fn durations_and_sizes_read_well() {
        for (millis, text) in [
            (0, "0ms"),
            (312, "312ms"),
            (1_340, "1.3s"),
            (59_940, "59.9s"),
            (59_960, "1m00s"),
            (133_000, "2m13s"),
            (3_725_000, "1h02m"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1.0 MiB"), (1_288_490_189, "1.2 GiB")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
