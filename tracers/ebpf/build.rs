//! Compiles tracers/bpf with zig or clang. Without either the collector is built all the same, and says that it has no
//! programs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bpf");
    println!("cargo::rerun-if-changed={}", source.display());
    println!("cargo::rerun-if-env-changed=ROAR_BPF_PYTHON");
    if env::var_os("CARGO_FEATURE_COLLECTOR").is_none() {
        return;
    }
    let object = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("roar.bpf.o");
    let machine = match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("x86_64") => "-D__TARGET_ARCH_x86",
        Ok("aarch64") => "-D__TARGET_ARCH_arm64",
        _ => return without(&object, "there are no programs for this machine"),
    };
    let mut problems = Vec::new();
    for (compiler, target) in compilers() {
        match compile(&compiler, target, machine, &source.join("roar.bpf.c"), &object) {
            Ok(()) => return,
            Err(problem) => problems.push(format!("`{}`: {problem}", compiler.join(" "))),
        }
    }
    without(&object, &problems.join("; "));
}

/// What to try, with its name for the target: PyPI's `ziglang` in the Python that ROAR_BPF_PYTHON names, then in others,
/// zig, clang.
fn compilers() -> Vec<(Vec<String>, &'static str)> {
    const ZIG: &str = "bpfel-freestanding";
    let pythons = env::var("ROAR_BPF_PYTHON").into_iter().chain(["python3".to_owned(), "python".to_owned()]);
    let modules = pythons.map(|python| (vec![python, "-m".to_owned(), "ziglang".to_owned(), "cc".to_owned()], ZIG));
    let programs = [(vec!["zig".to_owned(), "cc".to_owned()], ZIG), (vec!["clang".to_owned()], "bpf")];
    modules.chain(programs).collect()
}

fn compile(compiler: &[String], target: &str, machine: &str, source: &Path, object: &Path) -> Result<(), String> {
    let (program, rest) = compiler.split_first().ok_or("empty")?;
    let mut command = Command::new(program);
    command.args(rest).args(["-target", target, machine]);
    command.args(["-mcpu=v3", "-g", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-c"]);
    let done = command.arg(source).arg("-o").arg(object).output().map_err(|error| error.to_string())?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    // Without the module, Python says so; an error of the compiler is one in our sources.
    match said.contains("error:") {
        true => {
            println!("cargo::error=tracers/bpf does not compile: {}", said.replace('\n', "\ncargo::error="));
            Err("see above".to_owned())
        }
        false => Err(said.lines().last().unwrap_or("no output").to_owned()),
    }
}

/// An empty object is what the collector takes for none.
fn without(object: &Path, why: &str) {
    println!("cargo::warning=built without the eBPF backend: {why}");
    // A file that is never there: the next build looks again.
    println!("cargo::rerun-if-changed={}", object.with_extension("never").display());
    if let Err(error) = fs::write(object, "") {
        println!("cargo::error=`{}`: {error}", object.display());
    }
}
