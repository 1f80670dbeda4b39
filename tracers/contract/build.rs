//! Compiles proto/roar/v1 without protoc, and passes the version of the tree on as `ROAR_VERSION`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    pass_version_on(&root.join("VERSION"))?;
    compile_contract(&root.join("proto"))
}

fn pass_version_on(file: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", file.display());
    println!("cargo::rustc-env=ROAR_VERSION={}", fs::read_to_string(file)?.trim());
    Ok(())
}

fn compile_contract(include: &Path) -> Result<(), Box<dyn Error>> {
    let folder = include.join("roar/v1");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "proto"));
    files.sort();
    let descriptors = protox::compile(&files, [include])?;
    tonic_prost_build::configure().build_server(false).compile_fds(descriptors)?;
    Ok(())
}
