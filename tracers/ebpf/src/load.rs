//! The programs and maps, loaded into the kernel once, and attached while somebody wants to know.

use std::fs;
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use aya::maps::{Array, HashMap, MapData, RingBuf};
use aya::programs::tp_btf::BtfTracePointLinkId;
use aya::programs::{BtfTracePoint, ProgramError};
use aya::{Btf, Ebpf, EbpfError, EbpfLoader};

use crate::record::{Pending, ProcessValue, RunValue, Settings};
use crate::verdict::Obstacle;

/// Compiled by build.rs; empty when there was no compiler.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/roar.bpf.o"));

const BTF: &str = "/sys/kernel/btf/vmlinux";
/// A call that renames or removes takes microseconds, unless its process has to wait for a CPU. One that opens a FIFO may
/// take for ever.
const REPORT_PATIENCE: Duration = Duration::from_millis(50);
const BETWEEN_LOOKS: Duration = Duration::from_micros(100);
/// Inode of the first PID namespace, include/linux/proc_ns.h.
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// Programs, their tracepoints, and whether a kernel that has no such tracepoint will do.
const PROGRAMS: [(&str, &str, bool); 8] = [
    ("roar_fork", "sched_process_fork", false),
    ("roar_exec", "sched_process_exec", false),
    ("roar_exit", "sched_process_exit", false),
    // Linux 6.13
    ("roar_pages_mapped", "mm_filemap_map_pages", true),
    // A kernel may be built without io_uring.
    ("roar_request", "io_uring_submit_req", true),
    ("roar_request_complete", "io_uring_complete", true),
    ("roar_sys_exit", "sys_exit", false),
    ("roar_sys_enter", "sys_enter", false),
];

/// Everything of ours that is in the kernel.
pub struct Programs {
    ebpf: Ebpf,
    loaded: Vec<&'static str>,
    links: Vec<(&'static str, BtfTracePointLinkId)>,
    pub events: RingBuf<MapData>,
    pub processes: HashMap<MapData, u32, ProcessValue>,
    calls: HashMap<MapData, u64, Pending>,
    pub runs: Array<MapData, RunValue>,
    settings: Array<MapData, Settings>,
}

impl Programs {
    /// Takes 50 to 100 ms. Errors: why not here.
    pub fn load() -> Result<Programs, Obstacle> {
        check_surroundings()?;
        let btf = Btf::from_sys_fs().map_err(|error| Obstacle::new("no-btf", format!("`{BTF}`: {error}")))?;
        let processors =
            aya::util::nr_cpus().map_err(|(path, error)| Obstacle::new("refused", format!("`{path}`: {error}")))?;
        let mut ebpf = EbpfLoader::new()
            .btf(Some(&btf))
            .map_max_entries("scratches", processors as u32)
            .load(OBJECT)
            .map_err(|error| not_loaded(&error))?;
        let mut loaded = Vec::new();
        for (name, tracepoint, optional) in PROGRAMS {
            match program(&mut ebpf, name)?.load(tracepoint, &btf) {
                Ok(()) => loaded.push(name),
                Err(ProgramError::Btf(_)) if optional => {}
                Err(error) => return Err(not_accepted(name, &error)),
            }
        }
        Ok(Programs {
            events: map(&mut ebpf, "events", RingBuf::try_from)?,
            processes: map(&mut ebpf, "processes", HashMap::try_from)?,
            calls: map(&mut ebpf, "calls", HashMap::try_from)?,
            runs: map(&mut ebpf, "runs", Array::try_from)?,
            settings: map(&mut ebpf, "settings", Array::try_from)?,
            ebpf,
            loaded,
            links: Vec::new(),
        })
    }

    pub fn is_attached(&self) -> bool {
        !self.links.is_empty()
    }

    /// From now on every system call of the machine passes by. Takes less than a millisecond. On an error nothing is attached.
    pub fn attach(&mut self) -> Result<(), Obstacle> {
        for name in self.loaded.clone() {
            match program(&mut self.ebpf, name)?.attach() {
                Ok(link) => self.links.push((name, link)),
                Err(error) => {
                    self.detach();
                    return Err(Obstacle::new("refused", format!("`{name}` cannot be attached: {}", chain(&error))));
                }
            }
        }
        Ok(())
    }

    pub fn detach(&mut self) {
        for (name, link) in self.links.drain(..) {
            if let Ok(program) = program(&mut self.ebpf, name) {
                // Nothing that could be done about it; the kernel does it when we end.
                let _ = program.detach(link);
            }
        }
    }

    /// Waits, not for long, until the calls that are under way now are reported: what they did may be seen already.
    pub fn await_reports(&self) {
        let end = Instant::now() + REPORT_PATIENCE;
        let mut calls: Vec<u64> = self.calls.keys().flatten().collect();
        loop {
            calls.retain(|call| self.calls.get(call, 0).is_ok());
            if calls.is_empty() || Instant::now() >= end {
                return;
            }
            sleep(BETWEEN_LOOKS);
        }
    }

    pub fn set(&mut self, settings: Settings) -> Result<(), Obstacle> {
        self.settings.set(0, settings, 0).map_err(|error| Obstacle::new("refused", format!("settings: {error}")))
    }
}

fn check_surroundings() -> Result<(), Obstacle> {
    if OBJECT.is_empty() {
        return Err(Obstacle::new(
            "no-programs",
            "this roar was built without a BPF compiler (PyPI's `ziglang`, or clang)",
        ));
    }
    if let Err(error) = fs::metadata(BTF) {
        let why = format!("the kernel does not describe itself, `{BTF}`: {error} (CONFIG_DEBUG_INFO_BTF)");
        return Err(Obstacle::new("no-btf", why));
    }
    match fs::read_link("/proc/self/ns/pid") {
        Ok(link) if link.as_os_str() != FIRST_PID_NAMESPACE => {
            let why = "this is a container with process ids of its own, which BPF programs do not know";
            Err(Obstacle::new("pid-namespace", why))
        }
        _ => Ok(()),
    }
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut BtfTracePoint, Obstacle> {
    let found = ebpf.program_mut(name).and_then(|program| program.try_into().ok());
    found.ok_or_else(|| Obstacle::new("no-programs", format!("the built-in object has no program `{name}`")))
}

fn map<M, E: std::error::Error>(
    ebpf: &mut Ebpf,
    name: &str,
    make: impl FnOnce(aya::maps::Map) -> Result<M, E>,
) -> Result<M, Obstacle> {
    let map = ebpf.take_map(name);
    let map = map.ok_or_else(|| Obstacle::new("no-programs", format!("the built-in object has no map `{name}`")))?;
    make(map).map_err(|error| Obstacle::new("refused", format!("map `{name}`: {}", chain(&error))))
}

fn not_loaded(error: &EbpfError) -> Obstacle {
    refused("maps", error)
}

fn not_accepted(name: &str, error: &ProgramError) -> Obstacle {
    match error {
        ProgramError::Btf(_) => {
            Obstacle::new("old-kernel", format!("`{name}`: the kernel has no such tracepoint: {error}"))
        }
        ProgramError::LoadError { io_error, verifier_log } if io_error.raw_os_error() != Some(libc::EPERM) => {
            let log = verifier_log.to_string();
            let last: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
            let last = last[last.len().saturating_sub(3)..].join(" / ");
            Obstacle::new("old-kernel", format!("`{name}` is refused (Linux 5.17 is needed): {io_error}: {last}"))
        }
        _ => refused(name, error),
    }
}

fn refused(what: &str, error: &(dyn std::error::Error + 'static)) -> Obstacle {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        let errno = inner.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
        if matches!(errno, Some(libc::EPERM | libc::EACCES)) {
            return Obstacle::new("no-permission", "the capabilities CAP_BPF and CAP_PERFMON are needed");
        }
        cause = inner.source();
    }
    Obstacle::new("refused", format!("{what}: {}", chain(error)))
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
