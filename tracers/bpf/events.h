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

/* The reader is woken once in so many bytes, or by its own clock: waking it for each event costs more than the event. */
#define WAKE_BYTES (256 * 1024)
/* Of the ring buffer itself, before each record. */
#define RECORD_HEAD 8

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

/*
 * Reading opens that would say nothing new: their fingerprints, each at the slot that its first bits number. A plain array
 * of words: nothing to lock, to allocate or to evict, and many to a cache line.
 */
#define SEEN_BITS 17
struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_ARRAY);
	MAP_NUMBER(max_entries, 1 << SEEN_BITS);
	MAP_TYPE(key, __u32);
	MAP_TYPE(value, __u64);
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
	__u64 size, written, flags;

	if (!s)
		return -1;
	size = sizeof(s->event) + s->at;
	if (size > sizeof(s->event) + PARTS_MAX)
		size = sizeof(s->event) + PARTS_MAX;
	s->event.size = size;
	written = bpf_ringbuf_query(&events, BPF_RB_PROD_POS) % WAKE_BYTES;
	flags = urgent || written + RECORD_HEAD + size >= WAKE_BYTES ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
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

INLINE void copy_inode(struct scratch *s, struct inode *inode)
{
	bpf_probe_read_kernel(s->inode, sizeof(s->inode), inode);
}

/* The functions that follow ask the inode that was copied last. */
INLINE __s64 changed_at(struct scratch *s, struct inode *inode)
{
	struct inode___time *time = (void *)inode;
	struct inode___old *old = (void *)inode;

	if (HAS_FIELD(inode, i_ctime_sec))
		return FIELD(s->inode, inode, i_ctime_sec) * NSEC_PER_SEC + NSEC(FIELD(s->inode, inode, i_ctime_nsec));
	if (HAS_FIELD(time, __i_ctime))
		return FIELD(s->inode, time, __i_ctime.tv_sec) * NSEC_PER_SEC +
		       NSEC(FIELD(s->inode, time, __i_ctime.tv_nsec));
	return FIELD(s->inode, old, i_ctime.tv_sec) * NSEC_PER_SEC + FIELD(s->inode, old, i_ctime.tv_nsec);
}

INLINE __s64 modified_at(struct scratch *s, struct inode *inode)
{
	struct inode___time *time = (void *)inode;
	struct inode___old *old = (void *)inode;

	if (HAS_FIELD(inode, i_mtime_sec))
		return FIELD(s->inode, inode, i_mtime_sec) * NSEC_PER_SEC + FIELD(s->inode, inode, i_mtime_nsec);
	if (HAS_FIELD(time, __i_mtime))
		return FIELD(s->inode, time, __i_mtime.tv_sec) * NSEC_PER_SEC + FIELD(s->inode, time, __i_mtime.tv_nsec);
	return FIELD(s->inode, old, i_mtime.tv_sec) * NSEC_PER_SEC + FIELD(s->inode, old, i_mtime.tv_nsec);
}

INLINE void fill_stat(struct scratch *s, struct roar_stat *stat, struct inode *inode)
{
	stat->dev = user_dev(READ(FIELD(s->inode, inode, i_sb), s_dev));
	stat->ino = FIELD(s->inode, inode, i_ino);
	stat->size = FIELD(s->inode, inode, i_size);
	stat->mode = FIELD(s->inode, inode, i_mode);
	stat->mtime_ns = modified_at(s, inode);
	stat->ctime_ns = changed_at(s, inode);
}

INLINE void take_stat(struct scratch *s, struct roar_stat *stat, struct inode *inode)
{
	copy_inode(s, inode);
	fill_stat(s, stat, inode);
}

INLINE struct inode *inode_at(__u64 dentry)
{
	return READ((struct dentry *)dentry, d_inode);
}

INLINE int is_unhashed(__u64 dentry)
{
	return !READ((struct dentry *)dentry, d_hash.pprev);
}

#endif
