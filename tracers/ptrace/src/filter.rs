//! The seccomp filter that makes only the calls of `syscalls` stop; every other call runs at full speed.
//!
//! The kernel evaluates it once per call number for calls that are always allowed (its action cache, Linux 5.11), so
//! read(2), write(2) and their like pay nothing.

use std::io;

use crate::syscalls::{ABIS, Abi, Action};

const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const JUMP_ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Offsets in `struct seccomp_data`; the low halves of the arguments on little-endian machines.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGS: u32 = 16;

const PR_SET_SECCOMP: u32 = libc::PR_SET_SECCOMP as u32;
const TMPFILE_BIT: u32 = 0o20_000_000;
const X32_BIT: u32 = 0x4000_0000;

fn op(code: u16, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt: 0, jf: 0, k }
}

fn jump(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

fn stop(action: Action) -> libc::sock_filter {
    op(RETURN, libc::SECCOMP_RET_TRACE | action.to_data())
}

fn allow() -> libc::sock_filter {
    op(RETURN, libc::SECCOMP_RET_ALLOW)
}

/// The BPF program, ready for `install`.
pub struct Filter(Vec<libc::sock_filter>);

impl Filter {
    /// Builds the program; allocates, so not for use between fork and exec.
    pub fn build() -> Filter {
        let mut program = vec![op(LOAD_WORD, ARCH)];
        for abi in ABIS {
            let block = block(abi);
            // A block is longer than a conditional jump reaches, hence a jump over it by `BPF_JA`.
            program.push(jump(JUMP_EQUAL, abi.audit_arch, 1, 0));
            program.push(op((libc::BPF_JMP | libc::BPF_JA) as u16, block.len() as u32));
            program.extend(block);
        }
        program.push(allow());
        Filter(program)
    }

    /// Puts the filter on the calling thread and what it executes. Async-signal-safe. Needs a tracer to be attached:
    /// without one the stopping calls would answer ENOSYS. Errors: those of seccomp(2).
    pub fn install(&self) -> io::Result<()> {
        let program = libc::sock_fprog { len: self.0.len() as u16, filter: self.0.as_ptr().cast_mut() };
        // Without it, kernels before 5.16 slow the whole job down by turning off speculation.
        let flags = libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        let install = || {
            // SAFETY: `program` and what it points to live through the call, which only reads them.
            let done = unsafe {
                libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, std::ptr::from_ref(&program))
            };
            if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
        };
        match install() {
            Err(error) if error.raw_os_error() == Some(libc::EACCES) => {
                // Not privileged: only allowed to a process that can gain no privileges, which holds under ptrace anyway.
                // SAFETY: plain integers.
                unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
                install()
            }
            done => done,
        }
    }
}

/// The part of the program for one ABI; always ends by returning.
fn block(abi: &Abi) -> Vec<libc::sock_filter> {
    let mut block = vec![op(LOAD_WORD, NUMBER)];
    if cfg!(target_arch = "x86_64") {
        block.push(op(AND, !X32_BIT));
    }
    for &(number, action) in abi.calls {
        let test = match action {
            Action::Open => open_test(abi, action, 1),
            Action::OpenAt => open_test(abi, action, 2),
            Action::Clone => {
                vec![argument(0), jump(JUMP_ANY_BIT, libc::CLONE_UNTRACED as u32, 1, 0), allow(), stop(action)]
            }
            Action::Prctl => only(action, &[(0, PR_SET_SECCOMP), (1, libc::SECCOMP_MODE_STRICT)]),
            Action::Seccomp => only(action, &[(0, libc::SECCOMP_SET_MODE_STRICT)]),
            _ => vec![stop(action)],
        };
        block.push(jump(JUMP_EQUAL, number, 0, test.len() as u8));
        block.extend(test);
    }
    block.push(allow());
    block
}

/// Lets opens pass that can never read or change a regular file: O_PATH ones, and directories.
fn open_test(abi: &Abi, action: Action, flags: u32) -> Vec<libc::sock_filter> {
    vec![
        argument(flags),
        jump(JUMP_ANY_BIT, TMPFILE_BIT, 2, 0),
        jump(JUMP_ANY_BIT, libc::O_PATH as u32 | abi.o_directory, 0, 1),
        allow(),
        stop(action),
    ]
}

/// Stops calls whose arguments have these values, and lets all others pass.
fn only(action: Action, values: &[(u32, u32)]) -> Vec<libc::sock_filter> {
    let equal = |&(at, value)| [argument(at), jump(JUMP_EQUAL, value, 1, 0), allow()];
    values.iter().flat_map(equal).chain([stop(action)]).collect()
}

fn argument(at: u32) -> libc::sock_filter {
    op(LOAD_WORD, ARGS + 8 * at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel would.
    fn verdict(arch: u32, number: u32, args: [u64; 6]) -> u32 {
        let Filter(program) = Filter::build();
        let word = |offset: u32| match offset {
            NUMBER => number,
            ARCH => arch,
            _ => args[(offset - ARGS) as usize / 8] as u32,
        };
        let (mut at, mut value) = (0, 0);
        loop {
            let step = program[at];
            at += 1;
            match step.code {
                LOAD_WORD => value = word(step.k),
                AND => value &= step.k,
                RETURN => return step.k,
                JUMP_EQUAL => at += usize::from(if value == step.k { step.jt } else { step.jf }),
                JUMP_ANY_BIT => at += usize::from(if value & step.k != 0 { step.jt } else { step.jf }),
                _ => at += step.k as usize,
            }
        }
    }

    #[test]
    fn every_listed_call_stops_with_its_action_and_others_pass() {
        for abi in ABIS {
            for number in 0..600 {
                let wanted = abi.calls.iter().find(|(listed, _)| *listed == number);
                let expected =
                    wanted.map_or(libc::SECCOMP_RET_ALLOW, |(_, action)| libc::SECCOMP_RET_TRACE | action.to_data());
                let args = match wanted {
                    Some((_, Action::Clone)) => [libc::CLONE_UNTRACED as u64, 0, 0, 0, 0, 0],
                    Some((_, Action::Prctl)) => [u64::from(PR_SET_SECCOMP), 1, 0, 0, 0, 0],
                    _ => [0; 6],
                };
                assert_eq!(verdict(abi.audit_arch, number, args), expected, "call {number}");
            }
        }
    }

    #[test]
    fn opens_of_paths_and_directories_pass_but_not_unnamed_files() {
        let abi = &ABIS[0];
        let (number, action) = *abi.calls.iter().find(|(_, action)| *action == Action::OpenAt).unwrap();
        let open = |flags: u32| verdict(abi.audit_arch, number, [0, 0, u64::from(flags), 0, 0, 0]);
        assert_eq!(open(libc::O_PATH as u32), libc::SECCOMP_RET_ALLOW);
        assert_eq!(open(abi.o_directory), libc::SECCOMP_RET_ALLOW);
        assert_eq!(open(abi.o_directory | TMPFILE_BIT | 2), libc::SECCOMP_RET_TRACE | action.to_data());
        assert_eq!(open(libc::O_WRONLY as u32), libc::SECCOMP_RET_TRACE | action.to_data());
    }

    #[test]
    fn ordinary_clones_and_filters_pass() {
        let abi = &ABIS[0];
        let call = |wanted, args| {
            let (number, _) = *abi.calls.iter().find(|(_, action)| *action == wanted).unwrap();
            verdict(abi.audit_arch, number, args)
        };
        let flags = (libc::CLONE_VM | libc::CLONE_THREAD) as u64;
        assert_eq!(call(Action::Clone, [flags, 0, 0, 0, 0, 0]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(call(Action::Prctl, [u64::from(PR_SET_SECCOMP), 2, 0, 0, 0, 0]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(call(Action::Prctl, [15, 1, 0, 0, 0, 0]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(call(Action::Seccomp, [1, 0, 0, 0, 0, 0]), libc::SECCOMP_RET_ALLOW);
    }

    #[test]
    fn another_machine_s_calls_pass() {
        assert_eq!(verdict(0x1234, 2, [0; 6]), libc::SECCOMP_RET_ALLOW);
    }
}
