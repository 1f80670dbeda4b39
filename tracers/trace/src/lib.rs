//! What a traced command did, from raw events to the files that it read and wrote.
//!
//! Start at `event` (what a backend reports), then `reduce` (the truth rules), then `fold` (a run directory in, the
//! sealed answer out). Knows files and formats only: no process, no network. The formats are in TRACE_FORMAT.md.

mod clock;
pub mod event;
pub mod failpoint;
mod fold;
mod follow;
mod inputs;
pub mod log;
pub mod reduce;
pub mod sealed;
mod stat;

pub use clock::Clock;
pub use fold::{FoldError, RunEnd, fold_run};
pub use follow::Follower;
pub use inputs::Inputs;
pub use stat::Stat;
