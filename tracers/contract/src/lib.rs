//! Messages and clients generated from `proto/roar/v1`, and the version of this tree.

/// Of the whole tree: file `VERSION`.
pub const ROAR_VERSION: &str = env!("ROAR_VERSION");

#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used)]
mod generated {
    tonic::include_proto!("roar.v1");
}

pub use generated::*;
