//! What /proc tells of a process: the files behind its names and descriptors.
//!
//! `place` resolves names as a thread means them, `inherited` lists what a command starts with, `life` whether it lives. Shared by the backends;
//! knows nothing of how a process is watched.

mod inherited;
mod interpreters;
mod life;
mod place;

pub use inherited::inherited;
pub use interpreters::interpreters;
pub use life::started_ns;
pub use place::{Named, Place, behind_fd, files_below, is_content, is_deleted, is_kernel_path, read_link};

/// Thread id.
pub type Tid = libc::pid_t;
