//! The git state of the working directory, asked of git itself; only for runs that begin without a daemon.

use std::process::{Child, Command, Stdio};

use contract::GitState;

/// Returns commit, branch and remote; None outside a repository, or without git.
pub fn state() -> Option<GitState> {
    let questions: [&[&str]; 3] = [
        &["rev-parse", "--verify", "--quiet", "HEAD"],
        &["symbolic-ref", "--short", "--quiet", "HEAD"],
        &["config", "--get", "remote.origin.url"],
    ];
    let [commit, branch, remote] = questions.map(ask).map(|asked| asked.and_then(answer));
    if commit.is_none() && branch.is_none() {
        return None;
    }
    Some(GitState {
        commit: commit.unwrap_or_default(),
        branch: branch.unwrap_or_default(),
        remote: remote.map(|url| without_credentials(&url)).unwrap_or_default(),
        ..GitState::default()
    })
}

fn ask(words: &[&str]) -> Option<Child> {
    let mut git = Command::new("git");
    git.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()
}

fn answer(asked: Child) -> Option<String> {
    let output = asked.wait_with_output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim_end().to_owned())
}

/// A URL without user and password; the user of an ssh address is part of the address.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let Some(at) = rest[..end].rfind('@') else { return url.to_owned() };
    let (user, place) = (&rest[..at], &rest[at + 1..]);
    match scheme {
        "ssh" | "git+ssh" => format!("{scheme}://{}@{place}", user.split(':').next().unwrap_or_default()),
        _ => format!("{scheme}://{place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_keeps_no_credentials() {
        for (url, kept) in [
            ("https://token@example.org/a/b.git", "https://example.org/a/b.git"),
            ("https://ann:pa@ss@example.org/a", "https://example.org/a"),
            ("https://example.org/a@b", "https://example.org/a@b"),
            ("ssh://git:secret@example.org:22/a", "ssh://git@example.org:22/a"),
            ("git@example.org:a/b.git", "git@example.org:a/b.git"),
            ("/srv/git/a", "/srv/git/a"),
        ] {
            assert_eq!(without_credentials(url), kept);
        }
    }
}
