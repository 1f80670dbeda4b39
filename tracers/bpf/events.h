/*
 * Maps that are shared by all programs, with their sizes (the arithmetic is in README.md); records of the ring buffer; what
 * stat(2) would say of a file.
 */
#ifndef ROAR_EVENTS_H
#define ROAR_EVENTS_H

#define AT_FDCWD -100
#define AT_EMPTY_PATH 0x1000
#define AT_SYMLINK_FOLLOW 0x400
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR 0x200

#define O_ACCMODE 3
#define O_CREAT 0100
#define O_TRUNC 01000
#define O_PATH 010000000
#define O_TMPFILE_BIT 020000000
#define RESOLVE_IN_ROOT 0x10

/* include/linux/fs.h */
#define FMODE_PATH 0x4000
#define FMODE_CREATED 0x100000

/* include/uapi/linux/magic.h */
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572

#define SIGNAL_GROUP_EXIT 4

/* The reader is woken at so many bytes, or by its own clock: waking it for each event costs more than the event. */
#define WAKE_BYTES (256 * 1024)

struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_RINGBUF);
	MAP_NUMBER(max_entries, 16 * 1024 * 1024);
} events SEC(".maps");

struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_HASH);
	MAP_NUMBER(max_entries, 65536);
	MAP_TYPE(key, __u32);
	MAP_TYPE(value, struct roar_process);
} processes SEC(".maps");

struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_ARRAY);
	MAP_NUMBER(max_entries, RUN_SLOTS);
	MAP_TYPE(key, __u32);
	MAP_TYPE(value, struct roar_run);
} runs SEC(".maps");

/* Key: thread id, or the address of a request of io_uring. */
struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_HASH);
	MAP_NUMBER(max_entries, 4096);
	MAP_TYPE(key, __u64);
	MAP_TYPE(value, struct pending);
} calls SEC(".maps");

/* Reading opens that would say nothing new. */
struct seen_key {
	__u64 dentry;
	__u64 mount;
	__u64 ino;
	__u64 changed; /* ctime, which changes whenever content, times or name do */
	__u32 changed_nsec;
	__u32 run;
};

struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_NUMBER(max_entries, 32768);
	MAP_TYPE(key, struct seen_key);
	MAP_TYPE(value, __u32);
} seen SEC(".maps");

INLINE void begin(struct scratch *s, __u32 kind, __u32 run, __u32 tgid)
{
	__u64 *words = (__u64 *)&s->event;
	int i;

#pragma unroll
	for (i = 0; i < (int)(sizeof(s->event) / 8); i++)
		words[i] = 0;
	s->event.at_ns = bpf_ktime_get_ns();
	s->event.kind = kind;
	s->event.run = run;
	s->event.tgid = tgid;
	s->event.tid = (__u32)bpf_get_current_pid_tgid();
	s->at = 0;
}

INLINE struct roar_run *run_of(__u32 number)
{
	__u32 slot = number % RUN_SLOTS;

	return bpf_map_lookup_elem(&runs, &slot);
}

/* Hands the event over. Returns 0, or an error when there was no room; that is counted. */
SUBPROGRAM int emit(int urgent)
{
	struct scratch *s = scratch();
	struct roar_run *run;
	__u64 size, flags;

	if (!s)
		return -1;
	size = sizeof(s->event) + s->at;
	if (size > sizeof(s->event) + PARTS_MAX)
		size = sizeof(s->event) + PARTS_MAX;
	s->event.size = size;
	flags = urgent || bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > WAKE_BYTES ? BPF_RB_FORCE_WAKEUP
										      : BPF_RB_NO_WAKEUP;
	if (bpf_ringbuf_output(&events, &s->event, size, flags) == 0)
		return 0;
	run = run_of(s->event.run);
	if (run)
		__sync_fetch_and_add(&run->lost, 1);
	return -1;
}

/* As stat(2) shows a device number. */
INLINE __u64 user_dev(__u32 dev)
{
	__u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

#define NSEC_PER_SEC 1000000000ll
/* The highest bit says whether somebody has asked (multigrain timestamps). */
#define NSEC(nsec) ((nsec) & 0x7fffffff)

INLINE void take_stat(struct roar_stat *stat, struct inode *inode)
{
	struct super_block *super = READ(inode, i_sb);
	struct inode___time *time = (void *)inode;
	struct inode___old *old = (void *)inode;

	stat->dev = user_dev(READ(super, s_dev));
	stat->ino = READ(inode, i_ino);
	stat->size = READ(inode, i_size);
	stat->mode = READ(inode, i_mode);
	if (HAS_FIELD(inode, i_mtime_sec)) {
		stat->mtime_ns = READ(inode, i_mtime_sec) * NSEC_PER_SEC + READ(inode, i_mtime_nsec);
		stat->ctime_ns = READ(inode, i_ctime_sec) * NSEC_PER_SEC + NSEC(READ(inode, i_ctime_nsec));
	} else if (HAS_FIELD(time, __i_mtime)) {
		stat->mtime_ns = READ(time, __i_mtime.tv_sec) * NSEC_PER_SEC + READ(time, __i_mtime.tv_nsec);
		stat->ctime_ns = READ(time, __i_ctime.tv_sec) * NSEC_PER_SEC + NSEC(READ(time, __i_ctime.tv_nsec));
	} else {
		stat->mtime_ns = READ(old, i_mtime.tv_sec) * NSEC_PER_SEC + READ(old, i_mtime.tv_nsec);
		stat->ctime_ns = READ(old, i_ctime.tv_sec) * NSEC_PER_SEC + READ(old, i_ctime.tv_nsec);
	}
}

INLINE struct inode *inode_at(__u64 dentry)
{
	return READ((struct dentry *)dentry, d_inode);
}

INLINE int is_regular(struct inode *inode)
{
	return (READ(inode, i_mode) & S_IFMT) == S_IFREG;
}

INLINE int is_unhashed(__u64 dentry)
{
	return !READ((struct dentry *)dentry, d_hash.pprev);
}

#endif
