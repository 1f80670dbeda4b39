//! Why roar itself cannot do something: fact, cause, hint, and the exit status that follows.

use std::fmt;

use contract::ErrorInfo;
use prost::Message;
use tonic::Status;

/// roar could not start the command, and did not.
pub const NOT_STARTED: u8 = 125;
/// What the user asked for makes no sense.
pub const USAGE_ERROR: u8 = 2;

/// What is said on stderr when something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Kebab-case word, listed in docs/errors.md.
    pub reason: String,
    pub fact: String,
    /// Empty when the fact says it all.
    pub cause: String,
    /// Empty when there is nothing to do.
    pub hint: String,
    pub exit_status: u8,
}

impl Failure {
    /// A failure that keeps the command from being started.
    pub fn new(reason: &str, fact: impl Into<String>) -> Failure {
        Failure {
            reason: reason.to_owned(),
            fact: fact.into(),
            cause: String::new(),
            hint: String::new(),
            exit_status: NOT_STARTED,
        }
    }

    pub fn cause(self, cause: impl Into<String>) -> Failure {
        Failure { cause: cause.into(), ..self }
    }

    pub fn hint(self, hint: impl Into<String>) -> Failure {
        Failure { hint: hint.into(), ..self }
    }

    pub fn exit_status(self, exit_status: u8) -> Failure {
        Failure { exit_status, ..self }
    }

    /// What the daemon answered, in its own words when it sent them.
    pub fn of_status(status: &Status) -> Failure {
        let sent = status.metadata().get_bin("roar-error-bin").and_then(|value| value.to_bytes().ok());
        match sent.and_then(|bytes| ErrorInfo::decode(bytes).ok()) {
            Some(info) => Failure::new(&info.reason, status.message()).cause(info.cause).hint(info.hint),
            None => Failure::new("daemon-failed", format!("the daemon answered {:?}", status.code()))
                .cause(status.message())
                .hint("`roar daemon logs` may say more"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error[{}]: {}", self.reason, self.fact)?;
        self.cause.lines().try_for_each(|line| write!(out, "\n  {line}"))?;
        if !self.hint.is_empty() {
            write!(out, "\nhint: {}", self.hint)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;
    use tonic::metadata::MetadataValue;

    #[test]
    fn fact_cause_and_hint_stand_in_this_order() {
        let failure = Failure::new("no-project", "no project here").cause("searched: /a").hint("run `roar init`");
        assert_eq!(failure.to_string(), "error[no-project]: no project here\n  searched: /a\nhint: run `roar init`");
    }

    #[test]
    fn the_daemons_own_words_are_passed_on() {
        let info = ErrorInfo { reason: "bad-config".into(), hint: "correct it".into(), ..ErrorInfo::default() };
        let mut status = Status::new(Code::FailedPrecondition, "line 3 is no TOML");
        status.metadata_mut().insert_bin("roar-error-bin", MetadataValue::from_bytes(&info.encode_to_vec()));
        assert_eq!(Failure::of_status(&status).to_string(), "error[bad-config]: line 3 is no TOML\nhint: correct it");
    }

    #[test]
    fn a_status_without_words_is_still_explained() {
        let failure = Failure::of_status(&Status::new(Code::Unavailable, "connection reset"));
        assert_eq!(failure.reason, "daemon-failed");
        assert_eq!(failure.cause, "connection reset");
    }
}
