/*
 * What differs between machines: where system calls keep number and arguments, and which numbers matter. x86-64 with its
 * 32-bit calls, and aarch64 with its own. The same calls as the ptrace backend stops at.
 */
#ifndef ROAR_MACHINE_H
#define ROAR_MACHINE_H

enum action {
	NOTHING = 0,
	OPEN,
	OPENAT,
	OPENAT2,
	CREAT,
	OPEN_BY_HANDLE,
	RENAME,
	RENAMEAT,
	RENAMEAT2,
	LINK,
	LINKAT,
	UNLINK,
	UNLINKAT,
	TRUNCATE,
	UTIMES,   /* path first */
	UTIMESAT, /* descriptor, then path */
	MKNOD,
	MKNODAT,
	NAMESPACE,
};

#if defined(__TARGET_ARCH_x86)

#define O_DIRECTORY_HERE 0200000

struct pt_regs {
	unsigned long bx, cx, dx, si, di, bp, r8, r9, r10, orig_ax;
} CORE;

/* The process made a 32-bit call. arch/x86/include/asm/thread_info.h */
#define TS_COMPAT 0x0002

INLINE int is_compat(struct task_struct *task)
{
	return task->thread_info.status & TS_COMPAT;
}

/* `regs` comes from the kernel as what it is, so that its fields can be read without a helper. */
INLINE long call_number(struct pt_regs *regs)
{
	return regs->orig_ax;
}

INLINE __u64 argument(struct pt_regs *regs, int compat, int at)
{
	if (compat) {
		switch (at) {
		case 0: return (__u32)regs->bx;
		case 1: return (__u32)regs->cx;
		case 2: return (__u32)regs->dx;
		case 3: return (__u32)regs->si;
		default: return (__u32)regs->di;
		}
	}
	switch (at) {
	case 0: return regs->di;
	case 1: return regs->si;
	case 2: return regs->dx;
	case 3: return regs->r10;
	default: return regs->r8;
	}
}

/* arch/x86/entry/syscalls/syscall_64.tbl */
INLINE enum action native_action(long number)
{
	switch (number) {
	case 2: return OPEN;
	case 76: return TRUNCATE;
	case 82: return RENAME;
	case 85: return CREAT;
	case 86: return LINK;
	case 87: return UNLINK;
	case 132: return UTIMES;
	case 133: return MKNOD;
	case 235: return UTIMES;
	case 257: return OPENAT;
	case 259: return MKNODAT;
	case 261: return UTIMESAT;
	case 263: return UNLINKAT;
	case 264: return RENAMEAT;
	case 265: return LINKAT;
	case 272: return NAMESPACE;
	case 280: return UTIMESAT;
	case 304: return OPEN_BY_HANDLE;
	case 308: return NAMESPACE;
	case 316: return RENAMEAT2;
	case 437: return OPENAT2;
	default: return NOTHING;
	}
}

/* arch/x86/entry/syscalls/syscall_32.tbl */
INLINE enum action compat_action(long number)
{
	switch (number) {
	case 5: return OPEN;
	case 8: return CREAT;
	case 9: return LINK;
	case 10: return UNLINK;
	case 14: return MKNOD;
	case 30: return UTIMES;
	case 38: return RENAME;
	case 92: return TRUNCATE;
	case 193: return TRUNCATE;
	case 271: return UTIMES;
	case 295: return OPENAT;
	case 297: return MKNODAT;
	case 299: return UTIMESAT;
	case 301: return UNLINKAT;
	case 302: return RENAMEAT;
	case 303: return LINKAT;
	case 310: return NAMESPACE;
	case 320: return UTIMESAT;
	case 342: return OPEN_BY_HANDLE;
	case 346: return NAMESPACE;
	case 353: return RENAMEAT2;
	case 412: return UTIMESAT;
	case 437: return OPENAT2;
	default: return NOTHING;
	}
}

#elif defined(__TARGET_ARCH_arm64)

#define O_DIRECTORY_HERE 040000

struct user_pt_regs {
	__u64 regs[31];
} CORE;

struct pt_regs {
	struct user_pt_regs user_regs;
	__u64 orig_x0;
	__s32 syscallno;
} CORE;

struct thread_info___arm64 {
	unsigned long flags;
} CORE;

struct task_struct___arm64 {
	struct thread_info___arm64 thread_info;
} CORE;

/* arch/arm64/include/asm/thread_info.h */
#define TIF_32BIT 22

INLINE int is_compat(struct task_struct *task)
{
	struct task_struct___arm64 *here = (void *)task;

	return READ(here, thread_info.flags) >> TIF_32BIT & 1;
}

INLINE long call_number(struct pt_regs *regs)
{
	return regs->syscallno;
}

/* The first register holds the result when the call has ended. */
INLINE __u64 argument(struct pt_regs *regs, int compat, int at)
{
	__u64 value = at == 0 ? regs->orig_x0 : regs->user_regs.regs[at];

	return compat ? (__u32)value : value;
}

/* include/uapi/asm-generic/unistd.h */
INLINE enum action native_action(long number)
{
	switch (number) {
	case 33: return MKNODAT;
	case 35: return UNLINKAT;
	case 37: return LINKAT;
	case 38: return RENAMEAT;
	case 45: return TRUNCATE;
	case 56: return OPENAT;
	case 88: return UTIMESAT;
	case 97: return NAMESPACE;
	case 265: return OPEN_BY_HANDLE;
	case 268: return NAMESPACE;
	case 276: return RENAMEAT2;
	case 437: return OPENAT2;
	default: return NOTHING;
	}
}

/* arch/arm/tools/syscall.tbl */
INLINE enum action compat_action(long number)
{
	switch (number) {
	case 5: return OPEN;
	case 8: return CREAT;
	case 9: return LINK;
	case 10: return UNLINK;
	case 14: return MKNOD;
	case 38: return RENAME;
	case 92: return TRUNCATE;
	case 193: return TRUNCATE;
	case 269: return UTIMES;
	case 322: return OPENAT;
	case 324: return MKNODAT;
	case 326: return UTIMESAT;
	case 328: return UNLINKAT;
	case 329: return RENAMEAT;
	case 330: return LINKAT;
	case 337: return NAMESPACE;
	case 348: return UTIMESAT;
	case 371: return OPEN_BY_HANDLE;
	case 375: return NAMESPACE;
	case 382: return RENAMEAT2;
	case 412: return UTIMESAT;
	case 437: return OPENAT2;
	default: return NOTHING;
	}
}

#else
#error "say which machine: -D__TARGET_ARCH_x86 or -D__TARGET_ARCH_arm64"
#endif

#endif
