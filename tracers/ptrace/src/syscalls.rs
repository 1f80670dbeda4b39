//! Which system calls stop, under every ABI of the machine, and what their arguments mean.

/// What a stopped system call does. The number travels through the filter as SECCOMP_RET_DATA, so that the tracer need
/// not know the ABI of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Action {
    Open = 1,
    OpenAt,
    OpenAt2,
    Creat,
    OpenByHandle,
    Rename,
    RenameAt,
    RenameAt2,
    Link,
    LinkAt,
    Unlink,
    UnlinkAt,
    Truncate,
    /// utime(2), utimes(2): path first.
    Utimes,
    /// utimensat(2), futimesat(2): descriptor, then path.
    UtimesAt,
    Mknod,
    MknodAt,
    Exec,
    ExecAt,
    IoUring,
    /// unshare(2), setns(2).
    Namespace,
    Ptrace,
    /// clone(2), when the child is not to be traced.
    Clone,
    /// prctl(2) into strict mode.
    Prctl,
    /// seccomp(2) into strict mode.
    Seccomp,
}

const ALL: [Action; 25] = [
    Action::Open,
    Action::OpenAt,
    Action::OpenAt2,
    Action::Creat,
    Action::OpenByHandle,
    Action::Rename,
    Action::RenameAt,
    Action::RenameAt2,
    Action::Link,
    Action::LinkAt,
    Action::Unlink,
    Action::UnlinkAt,
    Action::Truncate,
    Action::Utimes,
    Action::UtimesAt,
    Action::Mknod,
    Action::MknodAt,
    Action::Exec,
    Action::ExecAt,
    Action::IoUring,
    Action::Namespace,
    Action::Ptrace,
    Action::Clone,
    Action::Prctl,
    Action::Seccomp,
];

/// Tells stops of our filter from those of a filter that the job has installed itself.
const OURS: u32 = 0x5A00;

impl Action {
    /// What our filter answers: SECCOMP_RET_DATA, 16 bits.
    pub fn to_data(self) -> u32 {
        OURS | self as u32
    }

    /// None: the stop is none of ours.
    pub fn from_data(data: u32) -> Option<Action> {
        ALL.into_iter().find(|&action| action.to_data() == data)
    }
}

/// A system-call ABI: its AUDIT_ARCH number and the calls that stop.
pub struct Abi {
    pub audit_arch: u32,
    pub calls: &'static [(u32, Action)],
    pub o_directory: u32,
}

#[cfg(target_arch = "x86_64")]
pub const ABIS: &[Abi] = &[
    Abi { audit_arch: AUDIT_X86_64, calls: X86_64, o_directory: 0o200_000 },
    Abi { audit_arch: 0x4000_0003, calls: I386, o_directory: 0o200_000 },
];

#[cfg(target_arch = "aarch64")]
pub const ABIS: &[Abi] = &[
    Abi { audit_arch: AUDIT_AARCH64, calls: AARCH64, o_directory: 0o040_000 },
    Abi { audit_arch: 0x4000_0028, calls: ARM, o_directory: 0o040_000 },
];

#[cfg(target_arch = "x86_64")]
const AUDIT_X86_64: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const AUDIT_AARCH64: u32 = 0xC000_00B7;

/// arch/x86/entry/syscalls/syscall_64.tbl; x32 shares the numbers and is told apart by bit 30, see `filter`.
#[cfg(target_arch = "x86_64")]
const X86_64: &[(u32, Action)] = &[
    (2, Action::Open),
    (56, Action::Clone),
    (59, Action::Exec),
    (76, Action::Truncate),
    (82, Action::Rename),
    (85, Action::Creat),
    (86, Action::Link),
    (87, Action::Unlink),
    (101, Action::Ptrace),
    (132, Action::Utimes),
    (133, Action::Mknod),
    (157, Action::Prctl),
    (235, Action::Utimes),
    (257, Action::OpenAt),
    (259, Action::MknodAt),
    (261, Action::UtimesAt),
    (263, Action::UnlinkAt),
    (264, Action::RenameAt),
    (265, Action::LinkAt),
    (272, Action::Namespace),
    (280, Action::UtimesAt),
    (304, Action::OpenByHandle),
    (308, Action::Namespace),
    (316, Action::RenameAt2),
    (317, Action::Seccomp),
    (322, Action::ExecAt),
    (425, Action::IoUring),
    (437, Action::OpenAt2),
];

/// arch/x86/entry/syscalls/syscall_32.tbl
#[cfg(target_arch = "x86_64")]
const I386: &[(u32, Action)] = &[
    (5, Action::Open),
    (8, Action::Creat),
    (9, Action::Link),
    (10, Action::Unlink),
    (11, Action::Exec),
    (14, Action::Mknod),
    (26, Action::Ptrace),
    (30, Action::Utimes),
    (38, Action::Rename),
    (92, Action::Truncate),
    (193, Action::Truncate),
    (271, Action::Utimes),
    (295, Action::OpenAt),
    (297, Action::MknodAt),
    (299, Action::UtimesAt),
    (301, Action::UnlinkAt),
    (302, Action::RenameAt),
    (303, Action::LinkAt),
    (310, Action::Namespace),
    (320, Action::UtimesAt),
    (342, Action::OpenByHandle),
    (346, Action::Namespace),
    (353, Action::RenameAt2),
    (358, Action::ExecAt),
    (412, Action::UtimesAt),
    (425, Action::IoUring),
    (437, Action::OpenAt2),
];

/// include/uapi/asm-generic/unistd.h
#[cfg(target_arch = "aarch64")]
const AARCH64: &[(u32, Action)] = &[
    (33, Action::MknodAt),
    (35, Action::UnlinkAt),
    (37, Action::LinkAt),
    (38, Action::RenameAt),
    (45, Action::Truncate),
    (56, Action::OpenAt),
    (88, Action::UtimesAt),
    (97, Action::Namespace),
    (117, Action::Ptrace),
    (167, Action::Prctl),
    (220, Action::Clone),
    (221, Action::Exec),
    (265, Action::OpenByHandle),
    (268, Action::Namespace),
    (276, Action::RenameAt2),
    (277, Action::Seccomp),
    (281, Action::ExecAt),
    (425, Action::IoUring),
    (437, Action::OpenAt2),
];

/// arch/arm/tools/syscall.tbl
#[cfg(target_arch = "aarch64")]
const ARM: &[(u32, Action)] = &[
    (5, Action::Open),
    (8, Action::Creat),
    (9, Action::Link),
    (10, Action::Unlink),
    (11, Action::Exec),
    (14, Action::Mknod),
    (26, Action::Ptrace),
    (38, Action::Rename),
    (92, Action::Truncate),
    (193, Action::Truncate),
    (269, Action::Utimes),
    (322, Action::OpenAt),
    (324, Action::MknodAt),
    (326, Action::UtimesAt),
    (328, Action::UnlinkAt),
    (329, Action::RenameAt),
    (330, Action::LinkAt),
    (337, Action::Namespace),
    (348, Action::UtimesAt),
    (371, Action::OpenByHandle),
    (375, Action::Namespace),
    (382, Action::RenameAt2),
    (387, Action::ExecAt),
    (412, Action::UtimesAt),
    (425, Action::IoUring),
    (437, Action::OpenAt2),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_survives_the_way_through_the_filter() {
        for action in ALL {
            assert_eq!(Action::from_data(action.to_data()), Some(action));
            assert_eq!(Action::from_data(action as u32), None);
        }
        assert_eq!(Action::from_data(0), None);
    }

    #[test]
    fn no_call_stands_twice_in_a_table() {
        for abi in ABIS {
            let mut numbers: Vec<u32> = abi.calls.iter().map(|(number, _)| *number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), abi.calls.len());
        }
    }
}
