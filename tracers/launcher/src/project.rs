//! Finds the project that a directory belongs to.

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::args::{AUTO, TRACERS, Wish};
use crate::environment::Environment;
use crate::failure::Failure;

/// Where the command is run, and for which project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Absolute and resolved; holds `.roar/`.
    pub root: PathBuf,
    /// Absolute and resolved; inside `root`.
    pub cwd: PathBuf,
}

impl Project {
    pub fn roar_dir(&self) -> PathBuf {
        self.root.join(".roar")
    }
}

/// Returns the project of the working directory. Errors: no-project, unreadable-project.
pub fn here() -> Result<Project, Failure> {
    let cwd = env::current_dir().map_err(|error| {
        Failure::new("no-project", "the working directory cannot be found").cause(error.to_string())
    })?;
    let home = env::var_os("HOME").map(PathBuf::from);
    find(&cwd, home.as_deref())
}

/// Returns the project whose root is nearest above `cwd`. A `.roar` in the home directory counts only with a database.
fn find(cwd: &Path, home: Option<&Path>) -> Result<Project, Failure> {
    let cwd = fs::canonicalize(cwd).map_err(|error| unreadable(cwd, &error))?;
    let home = home.and_then(|home| fs::canonicalize(home).ok());
    for root in cwd.ancestors() {
        let at_home = home.as_deref() == Some(root);
        if is_project(&root.join(".roar"), at_home)? {
            return Ok(Project { root: root.to_owned(), cwd: cwd.clone() });
        }
    }
    Err(Failure::new("no-project", "no roar project here or in a directory above")
        .cause(format!("searched: `{}` and upwards", cwd.display()))
        .hint("go to a project, or make one: run `roar init` in the project's top directory"))
}

fn is_project(roar_dir: &Path, at_home: bool) -> Result<bool, Failure> {
    if exists(&roar_dir.join("roar.db"))? {
        return Ok(true);
    }
    Ok(!at_home && exists(&roar_dir.join("config.toml"))?)
}

/// Whether a file of a project is there, and can be opened if so.
fn exists(file: &Path) -> Result<bool, Failure> {
    match File::open(file) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(unreadable(file, &error)),
    }
}

/// What config.toml says that a run needs to start; backend and summary only where no daemon says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub wish: Wish,
    /// No summary.
    pub quiet: bool,
    /// Of the command.
    pub environment: Environment,
    /// Outputs may be put in place instead of running a command.
    pub cached: bool,
}

/// Returns the settings. What the other values of the file may be, only the daemon knows. Errors: bad-config, when it is
/// no TOML at all.
pub fn settings(project: &Project) -> Result<Settings, Failure> {
    let mut settings = Settings {
        wish: Wish { tracer: AUTO.into(), fallback: true },
        quiet: false,
        environment: Environment::default(),
        cached: false,
    };
    let file = project.roar_dir().join("config.toml");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(settings),
        Err(error) => return Err(bad_config(&file.display().to_string(), &error.to_string())),
    };
    let refused = |at: Range<usize>, problem: &str| {
        let line = 1 + text[..at.start].matches('\n').count();
        bad_config(&format!("{}:{line}", file.display()), problem)
    };
    let parsed =
        toml::de::DeTable::parse(&text).map_err(|error| refused(error.span().unwrap_or_default(), error.message()))?;
    let variables = parsed.get_ref().get("env").map(|table| (table.span(), table.get_ref().as_table()));
    if let Some((at, table)) = variables {
        for (name, value) in table.ok_or_else(|| refused(at, "`env` is no table"))? {
            let added = settings.environment.add(name.get_ref(), value.get_ref().as_str());
            added.map_err(|problem| refused(name.span(), &problem))?;
        }
    }
    let value = |table: &str, name: &str| parsed.get_ref().get(table).and_then(|table| table.get_ref().get(name));
    if let Some(default) = value("tracer", "default") {
        let known = default.get_ref().as_str().filter(|name| TRACERS.contains(name));
        let said = format!("`tracer.default` cannot be {}", &text[default.span()]);
        let name =
            known.ok_or_else(|| refused(default.span(), &said).hint(format!("allowed: {}", TRACERS.join(", "))))?;
        settings.wish.tracer = name.to_owned();
    }
    if let Some(fallback) = value("tracer", "fallback").and_then(|fallback| fallback.get_ref().as_bool()) {
        settings.wish.fallback = fallback;
    }
    if let Some(quiet) = value("output", "quiet").and_then(|quiet| quiet.get_ref().as_bool()) {
        settings.quiet = quiet;
    }
    if let Some(cached) = value("cache", "enabled").and_then(|enabled| enabled.get_ref().as_bool()) {
        settings.cached = cached;
    }
    Ok(settings)
}

fn bad_config(place: &str, problem: &str) -> Failure {
    Failure::new("bad-config", format!("`{place}`: {problem}"))
        .hint("correct the file, or remove the line to get the default")
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new("unreadable-project", format!("cannot read `{}`", path.display()))
        .cause(error.to_string())
        .hint("check owner and permissions of `.roar/` and of the directories above it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn with(files: &[&str]) -> Tree {
            let tree = Tree(tempfile::tempdir().unwrap());
            for file in files {
                let file = tree.path(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, "").unwrap();
            }
            tree
        }

        fn path(&self, below: &str) -> PathBuf {
            fs::canonicalize(self.0.path()).unwrap().join(below)
        }

        fn find(&self, cwd: &str) -> Result<PathBuf, String> {
            find(&self.path(cwd), Some(&self.path("home"))).map(|found| found.root).map_err(|failure| failure.reason)
        }
    }

    #[test]
    fn the_nearest_directory_upwards_wins() {
        let tree = Tree::with(&["p/.roar/roar.db", "p/q/.roar/config.toml", "p/q/r/file", "p/s/file"]);
        assert_eq!(tree.find("p/q/r"), Ok(tree.path("p/q")));
        assert_eq!(tree.find("p/s"), Ok(tree.path("p")));
        assert_eq!(tree.find("p"), Ok(tree.path("p")));
    }

    #[test]
    fn an_empty_roar_directory_or_a_file_of_that_name_is_no_project() {
        let tree = Tree::with(&["p/.roar/roar.db", "p/q/.roar/other", "p/s/.roar"]);
        assert_eq!(tree.find("p/q"), Ok(tree.path("p")));
        assert_eq!(tree.find("p/s"), Ok(tree.path("p")));
    }

    #[test]
    fn the_home_directory_is_a_project_only_with_a_database() {
        let tree = Tree::with(&["home/.roar/config.toml", "home/p/file", "home/q/.roar/config.toml"]);
        assert_eq!(tree.find("home/p"), Err("no-project".into()));
        assert_eq!(tree.find("home/q"), Ok(tree.path("home/q")));
        fs::write(tree.path("home/.roar/roar.db"), "").unwrap();
        assert_eq!(tree.find("home/p"), Ok(tree.path("home")));
    }

    #[test]
    fn symbolic_links_are_resolved() {
        let tree = Tree::with(&["p/.roar/roar.db", "p/q/file"]);
        symlink(tree.path("p/q"), tree.path("link")).unwrap();
        let found = find(&tree.path("link"), None).unwrap();
        assert_eq!((found.root, found.cwd), (tree.path("p"), tree.path("p/q")));
    }

    #[test]
    fn what_cannot_be_looked_at_is_said_and_not_taken_for_absent() {
        let tree = Tree::with(&["p/q/file"]);
        symlink("roar.db", tree.path("p/roar.db")).unwrap();
        symlink(tree.path("p"), tree.path("p/q/.roar")).unwrap();
        assert_eq!(tree.find("p/q"), Err("unreadable-project".into()));
    }

    fn said(tracer: &str, fallback: bool, quiet: bool) -> Result<Settings, Failure> {
        let wish = Wish { tracer: tracer.into(), fallback };
        Ok(Settings { wish, quiet, environment: Environment::default(), cached: false })
    }

    #[test]
    fn a_config_that_is_no_toml_is_refused_with_its_line() {
        let tree = Tree::with(&["p/.roar/config.toml"]);
        let project = Project { root: tree.path("p"), cwd: tree.path("p") };
        assert_eq!(settings(&project), said("auto", true, false));
        fs::write(tree.path("p/.roar/config.toml"), "[output]\nquiet = = 1\n").unwrap();
        let failure = settings(&project).unwrap_err();
        assert_eq!(failure.reason, "bad-config");
        assert!(failure.fact.contains("config.toml:2`: "), "{}", failure.fact);
    }

    #[test]
    fn a_config_decides_about_backend_and_summary_where_no_daemon_does() {
        let tree = Tree::with(&["p/.roar/config.toml"]);
        let project = Project { root: tree.path("p"), cwd: tree.path("p") };
        fs::write(tree.path("p/.roar/config.toml"), "tracer.fallback = false\n[output]\nquiet = true\n").unwrap();
        assert_eq!(settings(&project), said("auto", false, true));
        fs::write(tree.path("p/.roar/config.toml"), "[tracer]\ndefault = \"ptrace\"\n").unwrap();
        assert_eq!(settings(&project), said("ptrace", true, false));
        fs::write(tree.path("p/.roar/config.toml"), "[tracer]\ndefault = \"magic\"\n").unwrap();
        assert_eq!(settings(&project).unwrap_err().reason, "bad-config");
    }

    #[test]
    fn variables_are_taken_as_they_stand_and_a_wrong_one_is_refused_with_its_line() {
        let tree = Tree::with(&["p/.roar/config.toml"]);
        let project = Project { root: tree.path("p"), cwd: tree.path("p") };
        let file = tree.path("p/.roar/config.toml");
        fs::write(&file, "env.A = 'a$A'\n").unwrap();
        assert_eq!(settings(&project).unwrap().environment.get("A"), Some("a$A".into()));
        for (text, line) in [("[env]\nA = \"1\"\nB = 2\n", 3), ("# x\nenv = 1\n", 2), ("[env]\n\"A-B\" = \"\"\n", 2)] {
            fs::write(&file, text).unwrap();
            let failure = settings(&project).unwrap_err();
            assert!(failure.fact.contains(&format!("config.toml:{line}`: ")), "{}", failure.fact);
        }
    }
}
