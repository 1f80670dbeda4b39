//! Changes of a call that is about to be made, through the registers of its thread. Only at a seccomp stop.

use std::io;

use proc::Tid;

pub use machine::{clear_argument_bits, refuse_call};

#[cfg(target_arch = "x86_64")]
mod machine {
    use super::{Tid, io};
    use crate::sys::check;

    /// Makes the call be none at all; it answers ENOSYS.
    pub fn refuse_call(tid: Tid) -> io::Result<()> {
        change(tid, |registers| {
            registers.orig_rax = u64::MAX;
            registers.rax = -i64::from(libc::ENOSYS) as u64;
        })
    }

    /// Clears bits of the first argument of a 64-bit call.
    pub fn clear_argument_bits(tid: Tid, bits: u64) -> io::Result<()> {
        change(tid, |registers| registers.rdi &= !bits)
    }

    fn change(tid: Tid, edit: impl FnOnce(&mut libc::user_regs_struct)) -> io::Result<()> {
        // SAFETY: integers only, for which zero is a value.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        // SAFETY: the kernel writes one user_regs_struct.
        check(unsafe { libc::ptrace(libc::PTRACE_GETREGS, tid, 0, &raw mut registers) })?;
        edit(&mut registers);
        // SAFETY: the kernel reads one user_regs_struct.
        check(unsafe { libc::ptrace(libc::PTRACE_SETREGS, tid, 0, &raw const registers) })
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use super::{Tid, io};
    use crate::sys::check;

    /// From include/uapi/linux/elf.h.
    const NT_PRSTATUS: usize = 1;
    const NT_ARM_SYSTEM_CALL: usize = 0x404;

    /// Makes the call be none at all; it answers ENOSYS.
    pub fn refuse_call(tid: Tid) -> io::Result<()> {
        set(tid, NT_ARM_SYSTEM_CALL, &mut -1i32)?;
        change(tid, |registers| registers.regs[0] = -i64::from(libc::ENOSYS) as u64)
    }

    /// Clears bits of the first argument.
    pub fn clear_argument_bits(tid: Tid, bits: u64) -> io::Result<()> {
        change(tid, |registers| registers.regs[0] &= !bits)
    }

    fn change(tid: Tid, edit: impl FnOnce(&mut libc::user_regs_struct)) -> io::Result<()> {
        // SAFETY: integers only, for which zero is a value.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        let mut area = area_of(&mut registers);
        // SAFETY: the kernel writes at most the size given in `area`.
        check(unsafe { libc::ptrace(libc::PTRACE_GETREGSET, tid, NT_PRSTATUS, &raw mut area) })?;
        edit(&mut registers);
        set(tid, NT_PRSTATUS, &mut registers)
    }

    fn set<T>(tid: Tid, what: usize, value: &mut T) -> io::Result<()> {
        let mut area = area_of(value);
        // SAFETY: the kernel reads at most the size given in `area`.
        check(unsafe { libc::ptrace(libc::PTRACE_SETREGSET, tid, what, &raw mut area) })
    }

    fn area_of<T>(value: &mut T) -> libc::iovec {
        libc::iovec { iov_base: std::ptr::from_mut(value).cast(), iov_len: size_of::<T>() }
    }
}
