//! ptrace(2) and friends as typed calls. Every call may answer ESRCH: the thread was killed meanwhile.

use std::io;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use proc::Tid;

const OPTIONS: libc::c_int = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC;

pub fn check(result: libc::c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Attaches without stopping; children are attached with their parents. No EXITKILL: the job outlives its tracer.
pub fn seize(tid: Tid) -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::ptrace(libc::PTRACE_SEIZE, tid, 0, OPTIONS) })
}

/// Lets a thread run on, delivering `signal` unless it is 0.
pub fn run(tid: Tid, signal: i32) -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::ptrace(libc::PTRACE_CONT, tid, 0, signal) })
}

/// Lets a thread run to the end of the system call in which it stopped.
pub fn run_to_exit(tid: Tid) -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::ptrace(libc::PTRACE_SYSCALL, tid, 0, 0) })
}

/// Leaves a thread in its group stop, as SIGSTOP and Ctrl-Z want it, until it is continued from outside.
pub fn listen(tid: Tid) -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::ptrace(libc::PTRACE_LISTEN, tid, 0, 0) })
}

/// The number that belongs to the event of this stop: a new thread's id, or a former one.
pub fn event_message(tid: Tid) -> io::Result<u64> {
    let mut message: libc::c_ulong = 0;
    // SAFETY: the kernel writes one unsigned long.
    check(unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, tid, 0, std::ptr::from_mut(&mut message)) })?;
    Ok(message)
}

/// The system call that a thread is about to make.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub args: [u64; 6],
    /// SECCOMP_RET_DATA of the filter.
    pub data: u32,
}

fn syscall_info(tid: Tid) -> io::Result<libc::ptrace_syscall_info> {
    let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
    let size = size_of::<libc::ptrace_syscall_info>();
    // SAFETY: the kernel writes at most `size` bytes; zero is a valid value of every field it leaves out.
    unsafe {
        check(libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, tid, size, info.as_mut_ptr()))?;
        Ok(info.assume_init())
    }
}

/// At a seccomp stop. Errors: ESRCH; EIO before Linux 5.3.
pub fn syscall_entry(tid: Tid) -> io::Result<Entry> {
    let info = syscall_info(tid)?;
    if info.op != libc::PTRACE_SYSCALL_INFO_SECCOMP {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: `op` says which member of the union is set.
    let seccomp = unsafe { info.u.seccomp };
    Ok(Entry { args: seccomp.args, data: seccomp.ret_data })
}

/// At a system-call-exit stop: what the call returned, None when it failed.
pub fn syscall_result(tid: Tid) -> io::Result<Option<i64>> {
    let info = syscall_info(tid)?;
    if info.op != libc::PTRACE_SYSCALL_INFO_EXIT {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: `op` says which member of the union is set.
    let exit = unsafe { info.u.exit };
    Ok((exit.is_error == 0).then_some(exit.sval))
}

/// Copies memory of a stopped thread; short when the range ends unmapped.
pub fn read_memory(tid: Tid, address: u64, into: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: into.len() };
    // SAFETY: `local` is our buffer; the kernel checks `remote` in the other process.
    let count = unsafe { libc::process_vm_readv(tid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Copies a NUL-terminated string, at most PATH_MAX long. Reads page by page, as the next one may not be mapped.
pub fn read_string(tid: Tid, mut address: u64) -> io::Result<Vec<u8>> {
    const PAGE: u64 = 4096;
    let mut string = Vec::new();
    let mut chunk = [0u8; PAGE as usize];
    while string.len() < libc::PATH_MAX as usize {
        let room = (PAGE - address % PAGE) as usize;
        let count = read_memory(tid, address, &mut chunk[..room])?;
        let part = &chunk[..count];
        if let Some(end) = part.iter().position(|&byte| byte == 0) {
            string.extend_from_slice(&part[..end]);
            return Ok(string);
        }
        string.extend_from_slice(part);
        address += count as u64;
    }
    Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
}

/// What waitpid(2) reports of any traced thread.
pub enum Waited {
    /// With the wait status.
    Thread(Tid, i32),
    /// Nothing is traced any more.
    Nobody,
}

/// Waits for the next report of any traced thread.
pub fn wait() -> Waited {
    loop {
        if let Some(waited) = report(0) {
            return waited;
        }
    }
}

/// Looks for the next report of any traced thread, at most for `patience`, and lets whoever else wants the CPU have it.
pub fn look(patience: Duration) -> Option<Waited> {
    let start = Instant::now();
    loop {
        let waited = report(libc::WNOHANG);
        if waited.is_some() || start.elapsed() >= patience {
            return waited;
        }
        std::thread::yield_now();
    }
}

/// None: nothing to report, or interrupted.
fn report(flags: libc::c_int) -> Option<Waited> {
    let mut status = 0;
    // SAFETY: the kernel writes one int.
    match unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | flags) } {
        tid if tid > 0 => Some(Waited::Thread(tid, status)),
        0 => None,
        _ => (io::Error::last_os_error().raw_os_error() == Some(libc::ECHILD)).then_some(Waited::Nobody),
    }
}
