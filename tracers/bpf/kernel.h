/*
 * The little that the programs know of the kernel: helpers, and of its structures only the fields that are read. The
 * loader finds the offsets of the running kernel (CO-RE): `preserve_access_index` asks it to. A name with three
 * underscores is another shape of the same structure.
 */
#ifndef ROAR_KERNEL_H
#define ROAR_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;

/* The compiler must not know what it knew of a value, so that the verifier sees the bound that follows. */
#define KEEP(value) asm volatile("" : "+r"(value))

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
/* Verified once, with any arguments, however often it is called: takes numbers only. */
#define SUBPROGRAM __attribute__((noinline))
/* Verified at every call. */
#define SUBPROGRAM_OF_POINTERS static __attribute__((noinline))

/* --- maps and helpers: include/uapi/linux/bpf.h ----------------------------------------------------------------- */

#define MAP_NUMBER(name, value) int (*name)[value]
#define MAP_TYPE(name, value) typeof(value) *name

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2, BPF_RB_PROD_POS = 3 };

struct task_struct;

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static long (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static __u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static __u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static __u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*const bpf_probe_read_user)(void *to, __u32 size, const void *from) = (void *)112;
static long (*const bpf_probe_read_kernel)(void *to, __u32 size, const void *from) = (void *)113;
static long (*const bpf_probe_read_user_str)(void *to, __u32 size, const void *from) = (void *)114;
static long (*const bpf_probe_read_kernel_str)(void *to, __u32 size, const void *from) = (void *)115;
static long (*const bpf_ringbuf_output)(void *map, void *data, __u64 size, __u64 flags) = (void *)130;
static __u64 (*const bpf_ringbuf_query)(void *map, __u64 flags) = (void *)134;
static struct task_struct *(*const bpf_get_current_task_btf)(void) = (void *)158;
static long (*const bpf_task_pt_regs)(struct task_struct *task) = (void *)175;
static long (*const bpf_loop)(__u32 times, void *callback, void *context, __u64 flags) = (void *)181;

/* --- CO-RE ------------------------------------------------------------------------------------------------------- */

#define CORE __attribute__((preserve_access_index))

/* A field of a structure that a plain pointer leads to; zero when it cannot be read. */
#define READ(pointer, field)                                                                                          \
	({                                                                                                            \
		typeof((pointer)->field) value_;                                                                      \
		bpf_probe_read_kernel(&value_, sizeof(value_), &(pointer)->field);                                    \
		value_;                                                                                               \
	})

/*
 * A field of a structure whose beginning was copied: a read costs by the call (20 ns), hardly by the byte. Where a kernel
 * has the field further behind, it is read by itself.
 */
#define FIELD(copy, pointer, field)                                                                                   \
	({                                                                                                            \
		typeof((pointer)->field) value_;                                                                      \
		__u64 at_ = __builtin_preserve_field_info((pointer)->field, 0);                                       \
		if (at_ <= sizeof(copy) - sizeof(value_))                                                             \
			value_ = *(typeof(value_) *)((copy) + at_);                                                   \
		else                                                                                                  \
			bpf_probe_read_kernel(&value_, sizeof(value_), &(pointer)->field);                            \
		value_;                                                                                               \
	})

#define HAS_FIELD(pointer, field) __builtin_preserve_field_info((pointer)->field, 2)
#define FIELD_OFFSET(type, field) __builtin_preserve_field_info(((type *)0)->field, 0)
#define ENUM_VALUE(type, name) __builtin_preserve_enum_value(*(typeof(enum type) *)name, 1)
#define HAS_ENUM_VALUE(type, name) __builtin_preserve_enum_value(*(typeof(enum type) *)name, 0)

/* --- files: include/linux/{fs,dcache,mount,fdtable}.h, fs/mount.h ------------------------------------------------ */

struct list_head {
	struct list_head *next, *prev;
} CORE;

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
} CORE;

struct qstr {
	union {
		struct {
			__u32 hash;
			__u32 len;
		};
		__u64 hash_len;
	};
	const unsigned char *name;
} CORE;

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
} CORE;

struct inode {
	__u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	long long i_size;
	__s64 i_mtime_sec;
	__s64 i_ctime_sec;
	__u32 i_mtime_nsec;
	__u32 i_ctime_nsec;
	char *i_link;
} CORE;

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
} CORE;

/* Linux 6.6 to 6.10 */
struct inode___time {
	struct timespec64 __i_mtime;
	struct timespec64 __i_ctime;
} CORE;

/* before */
struct inode___old {
	struct timespec64 i_mtime;
	struct timespec64 i_ctime;
} CORE;

struct dentry {
	__u32 d_flags;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
} CORE;

enum dentry_flags { DCACHE_MOUNTED = 0x8000 };

struct vfsmount {
	struct dentry *mnt_root;
} CORE;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct list_head mnt_mounts;
	struct list_head mnt_child;
} CORE;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} CORE;

struct file {
	__u32 f_mode;
	__u32 f_flags;
	struct inode *f_inode;
	struct path f_path;
} CORE;

struct fdtable {
	__u32 max_fds;
	struct file **fd;
} CORE;

struct files_struct {
	struct fdtable *fdt;
} CORE;

struct fs_struct {
	struct path root;
	struct path pwd;
} CORE;

struct filename {
	const char *name;
} CORE;

/* --- processes: include/linux/{sched,mm_types,binfmts,nsproxy}.h -------------------------------------------------- */

struct ns_common {
	__u32 inum;
} CORE;

struct mnt_namespace {
	struct ns_common ns;
} CORE;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
} CORE;

struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start;
	unsigned long arg_end;
} CORE;

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
	__u32 flags;
	int group_exit_code;
} CORE;

typedef struct {
	__u32 val;
} kuid_t;

struct cred {
	kuid_t euid;
} CORE;

struct thread_info {
	__u32 status;
} CORE;

struct task_struct {
	struct thread_info thread_info;
	int pid;
	int tgid;
	int exit_code;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct cred *cred;
} CORE;

struct linux_binprm {
	const char *filename;
	const char *interp;
} CORE;

/* --- io_uring ----------------------------------------------------------------------------------------------------- */

struct io_cqe {
	__s32 res;
} CORE;

struct io_kiocb {
	__u8 opcode;
	struct io_cqe cqe;
} CORE;

struct open_how {
	__u64 flags;
	__u64 mode;
	__u64 resolve;
} CORE;

struct io_open {
	int dfd;
	__u32 file_slot;
	struct filename *filename;
	struct open_how how;
} CORE;

struct io_rename {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
} CORE;

struct io_link {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
} CORE;

struct io_unlink {
	int dfd;
	int flags;
	struct filename *filename;
} CORE;

#endif
