//! Variables that the project gives its runs: the table `[env]` of config.toml. They win over what the caller has.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// roar's own, and the daemon's: they are for the shell.
const OURS: &str = "ROAR_";
/// Of `NAME=value`: the kernel starts no program with a longer one.
const MOST_BYTES: usize = 131_071;

/// Variables by name, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// Adds a variable. Errors: what is wrong with it, by the rules of roard/variables.py.
    pub fn add(&mut self, name: &str, value: Option<&str>) -> Result<(), String> {
        let Some(value) = value else { return Err(format!("variable `{name}` is no text: write it in quotes")) };
        if !is_name(name) {
            return Err(format!("`{name}` is no name of a variable"));
        }
        if name.starts_with(OURS) {
            return Err(format!("`{name}` is roar's own: set it in the shell"));
        }
        if value.contains('\0') {
            return Err(format!("the value of `{name}` has a byte of zero"));
        }
        if name.len() + 1 + value.len() > MOST_BYTES {
            return Err(format!("the value of `{name}` is too long"));
        }
        self.0.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// Whether the project has a variable.
    pub fn sets(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// What a variable is for the command: the project's value, else the caller's.
    pub fn get(&self, name: &str) -> Option<OsString> {
        let ours = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| OsString::from(value));
        ours.or_else(|| std::env::var_os(name))
    }

    /// Every variable that the command will have, roar's own apart.
    pub fn all(&self) -> BTreeMap<OsString, OsString> {
        let ours = self.0.iter().map(|(name, value)| (name.into(), value.into()));
        std::env::vars_os().chain(ours).collect()
    }

    /// Puts the variables into the environment of this process. Only for a child with one thread that is about to become
    /// the command: what the launcher itself, or a daemon that it starts, goes by is the caller's.
    pub fn apply(&self) {
        for (name, value) in &self.0 {
            // SAFETY: nobody else reads the environment, there is one thread.
            unsafe { std::env::set_var(name, value) };
        }
    }
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    fn problem(name: &str, value: Option<&str>) -> String {
        Environment::default().add(name, value).err().unwrap_or_default()
    }

    #[test]
    fn the_projects_value_wins_and_may_be_empty() {
        let mut environment = Environment::default();
        assert_eq!(environment.get("PATH"), std::env::var_os("PATH"));
        environment.add("PATH", Some("")).unwrap();
        environment.add("_x1", Some("two\nlines = #1")).unwrap();
        assert_eq!(environment.get("PATH"), Some("".into()));
        assert_eq!(environment.get("_x1"), Some("two\nlines = #1".into()));
        let all = environment.all();
        assert_eq!((&all[OsStr::new("PATH")], all.len() > 2), (&OsString::new(), true));
    }

    #[test]
    fn what_no_program_can_be_given_or_would_mislead_roar_is_refused() {
        for name in ["", "1A", "A-B", "A B", "A=B", "É"] {
            assert!(problem(name, Some("x")).contains("no name of a variable"), "{name}");
        }
        assert!(problem("ROAR_DAEMON", Some("off")).contains("roar's own"));
        assert!(problem("A", None).contains("no text"));
        assert!(problem("A", Some("\0")).contains("byte of zero"));
        assert!(problem("A", Some(&"x".repeat(MOST_BYTES))).contains("too long"));
        assert_eq!(problem("A", Some(&"x".repeat(MOST_BYTES - 2))), "");
    }
}
