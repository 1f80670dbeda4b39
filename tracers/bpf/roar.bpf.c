/*
 * roar's view of the processes of a run, from inside the kernel. See README.md for what is seen and what is not.
 *
 * Filter first: a call that cannot matter costs a comparison, a process of no run one look into a hash. What a call did is
 * taken from the kernel's objects when it has succeeded (sys_exit). What it destroys is looked up before (sys_enter), by
 * name in the cache of directory entries. Reads only; nothing here can change or delay what a process does.
 *
 * Needs Linux 5.17 (bpf_loop), CAP_BPF and CAP_PERFMON.
 */
#include "kernel.h"
#include "roar_event.h"
#include "machine.h"
#include "scratch.h"
#include "walk.h"

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

/* --- maps: the arithmetic is in README.md --------------------------------------------------------------------------- */

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
	__s64 mtime_ns;
	__s64 ctime_ns;
	__u64 run;
};

struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_NUMBER(max_entries, 32768);
	MAP_TYPE(key, struct seen_key);
	MAP_TYPE(value, __u32);
} seen SEC(".maps");

/* --- events --------------------------------------------------------------------------------------------------------- */

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

/* --- files ---------------------------------------------------------------------------------------------------------- */

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

/* --- places --------------------------------------------------------------------------------------------------------- */

/* The walk begins at a directory, or whatever a descriptor is: dirfd of the call. */
SUBPROGRAM int stand(int dirfd, int in_root)
{
	struct scratch *s = scratch();
	struct task_struct *task = bpf_get_current_task_btf();
	struct fs_struct *fs = READ(task, fs);

	if (!s)
		return 0;
	s->root = (__u64)READ(fs, root.dentry);
	s->root_mount = (__u64)READ(fs, root.mnt);
	if (dirfd == AT_FDCWD) {
		s->base = (__u64)READ(fs, pwd.dentry);
		s->base_mount = (__u64)READ(fs, pwd.mnt);
	} else {
		struct file *file = (struct file *)file_of(dirfd);

		s->base = file ? (__u64)READ(file, f_path.dentry) : 0;
		s->base_mount = file ? (__u64)READ(file, f_path.mnt) : 0;
	}
	if (in_root) {
		s->root = s->base;
		s->root_mount = s->base_mount;
	}
	if (s->text[0][0] == '/') {
		s->base = s->root;
		s->base_mount = s->root_mount;
	}
	s->here = s->base;
	s->here_mount = s->base_mount;
	return 0;
}

/* Notes where the walk has ended. */
SUBPROGRAM int take_place(int second)
{
	struct scratch *s = scratch();
	struct place *place;
	struct inode *inode;
	__u32 at, size;

	if (!s)
		return 0;
	place = second ? &s->pending.to : &s->pending.from;
	place->end = s->end;
	place->child = 0;
	place->stat.ino = place->stat.mode = place->stat.dev = 0;
	place->stat.size = place->stat.mtime_ns = place->stat.ctime_ns = 0;
	if (s->end == UNKNOWN) {
		place->parent = s->base;
		place->mount = s->base_mount;
		return 0;
	}
	place->child = s->child;
	place->mount = s->here_mount;
	if (s->name_size) {
		at = s->name_at;
		if (at > TEXT_MAX)
			return 0;
		place->parent = s->here;
		size = s->name_size & NAME_MAX;
		bpf_probe_read_kernel(place->name, size, s->text[s->which & 1] + at);
		place->name_size = size;
	} else {
		struct dentry *dentry = (struct dentry *)s->child;

		place->parent = (__u64)READ(dentry, d_parent);
		size = READ(dentry, d_name.len) & NAME_MAX;
		bpf_probe_read_kernel(place->name, size, READ(dentry, d_name.name));
		place->name_size = size;
	}
	if (place->child) {
		inode = inode_at(place->child);
		if (inode)
			take_stat(&place->stat, inode);
	}
	return 0;
}

/* Finds what a call names. Returns 0, or an error when the name cannot be read (yet). */
SUBPROGRAM int find_user(__u64 address, int dirfd, int how)
{
	struct scratch *s = scratch();
	long size = 0;

	if (!s)
		return 0;
	s->text[0][0] = 0;
	if (address)
		size = bpf_probe_read_user_str(s->text[0], TEXT_MAX / 2, (void *)address);
	stand(dirfd, how & 4);
	if (size < 0) {
		s->text[0][0] = 0;
		s->end = UNKNOWN;
	} else {
		walk(how & 1);
	}
	take_place(how & 2);
	return size < 0 ? -1 : 0;
}

SUBPROGRAM int find_kernel(__u64 address, int dirfd, int how)
{
	struct scratch *s = scratch();

	if (!s)
		return 0;
	s->text[0][0] = 0;
	bpf_probe_read_kernel_str(s->text[0], TEXT_MAX / 2, (void *)address);
	stand(dirfd, 0);
	walk(how & 1);
	take_place(how & 2);
	return 0;
}

/* Bits of `how`: follow a link at the end; this is the second place of the call; the descriptor is the root. */
#define FOLLOW 1
#define SECOND 2
#define IN_ROOT 4

/* Adds a place to the event. The text, should it be needed, is what was read last. */
SUBPROGRAM int add_place(int second)
{
	struct scratch *s = scratch();
	struct place *place;
	__u32 at;
	long size;

	if (!s)
		return 0;
	place = second ? &s->pending.to : &s->pending.from;
	if (place->end == UNKNOWN) {
		open_part(s, ROAR_BASE);
		climb(place->parent, place->mount);
		close_part(s);
		open_part(s, ROAR_TEXT);
		at = s->at;
		if (at <= PARTS_MAX - TEXT_MAX) {
			size = bpf_probe_read_kernel_str(s->parts + at, TEXT_MAX / 2, s->text[0]);
			if (size > 0 && size <= TEXT_MAX / 2)
				s->at = at + size - 1;
		}
		close_part(s);
		return 0;
	}
	open_part(s, ROAR_PATH);
	add_name(s, place->name, place->name_size);
	climb(place->parent, place->mount);
	close_part(s);
	return 0;
}

INLINE int is_known(struct roar_stat *stat)
{
	return stat->mode != 0;
}

/* --- the beginning of calls ----------------------------------------------------------------------------------------- */

INLINE struct roar_process *current_process(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&processes, &tgid);
}

INLINE enum action action_of(long number, int compat)
{
	return compat ? compat_action(number) : native_action(number & ~0x40000000l);
}

INLINE int is_open(enum action action)
{
	return action >= OPEN && action <= OPEN_BY_HANDLE;
}

struct open_call {
	__u64 path;
	__u64 how;
	__u32 flags;
	int dirfd;
};

/* Arguments of an open. False: they cannot be read. */
INLINE int open_call(struct open_call *call, struct pt_regs *regs, enum action action, int compat)
{
	__u64 how[3] = {};

	call->dirfd = AT_FDCWD;
	call->how = FOLLOW;
	switch (action) {
	case OPEN:
		call->path = argument(regs, compat, 0);
		call->flags = argument(regs, compat, 1);
		return 1;
	case CREAT:
		call->path = argument(regs, compat, 0);
		call->flags = O_CREAT | O_TRUNC | 1;
		return 1;
	case OPEN_BY_HANDLE:
		call->path = 0;
		call->flags = argument(regs, compat, 2);
		return 1;
	default:
		break;
	}
	call->dirfd = argument(regs, compat, 0);
	call->path = argument(regs, compat, 1);
	call->flags = argument(regs, compat, 2);
	if (action == OPENAT2) {
		if (bpf_probe_read_user(how, sizeof(how), (void *)argument(regs, compat, 2)))
			return 0;
		call->flags = how[0];
		if (how[2] & RESOLVE_IN_ROOT)
			call->how |= IN_ROOT;
	}
	return 1;
}

/* Fills in what must be known of a call before it happens. Returns whether it must be remembered, in `pending`. */
SUBPROGRAM_OF_POINTERS int prepare(struct pt_regs *regs, int action, int compat)
{
	struct scratch *s = scratch();
	__u64 a, b, c, d;
	int unread = 0;

	if (!s || !regs)
		return 0;
	s->pending.action = action;
	s->pending.from.end = s->pending.to.end = UNKNOWN;
	s->pending.from.child = s->pending.to.child = 0;
	a = argument(regs, compat, 0);
	b = argument(regs, compat, 1);
	c = argument(regs, compat, 2);
	d = argument(regs, compat, 3);
	switch (action) {
	case OPEN:
	case OPENAT:
	case OPENAT2:
	case CREAT: {
		struct open_call call = {};

		if (!open_call(&call, regs, action, compat) || !(call.flags & O_TRUNC))
			return 0;
		unread = find_user(call.path, call.dirfd, call.how);
		break;
	}
	case RENAME:
		unread = find_user(a, AT_FDCWD, 0) | find_user(b, AT_FDCWD, SECOND);
		break;
	case RENAMEAT:
	case RENAMEAT2:
		unread = find_user(b, a, 0) | find_user(d, c, SECOND);
		break;
	case LINK:
		unread = find_user(a, AT_FDCWD, 0) | find_user(b, AT_FDCWD, SECOND);
		break;
	case LINKAT: {
		__u64 flags = argument(regs, compat, 4);

		unread = find_user(b, a, flags & AT_SYMLINK_FOLLOW ? FOLLOW : 0) | find_user(d, c, SECOND);
		break;
	}
	case UNLINK:
		unread = find_user(a, AT_FDCWD, 0);
		break;
	case UNLINKAT:
		if (c & AT_REMOVEDIR)
			return 0;
		unread = find_user(b, a, 0);
		break;
	case TRUNCATE:
	case UTIMES:
		unread = find_user(a, AT_FDCWD, FOLLOW);
		break;
	case UTIMESAT:
		unread = find_user(b, a, FOLLOW);
		break;
	default:
		return 0;
	}
	s->pending.unread = unread != 0;
	return 1;
}

SEC("tp_btf/sys_enter")
int roar_sys_enter(__u64 *context)
{
	struct pt_regs *regs = (struct pt_regs *)context[0];
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task);
	enum action action = action_of(context[1], compat);
	struct roar_settings *settings = the_settings();
	struct scratch *s;
	__u64 key;

	if (action == NOTHING || action == OPEN_BY_HANDLE || action >= MKNOD)
		return 0;
	if (action == OPEN && !(argument(regs, compat, 1) & O_TRUNC))
		return 0;
	if (action == OPENAT && !(argument(regs, compat, 2) & O_TRUNC))
		return 0;
	if (!current_process() || !prepare(regs, action, compat))
		return 0;
	s = scratch();
	if (!s || !settings)
		return 0;
	if (s->pending.unread)
		__sync_fetch_and_add(&settings->unread, 1);
	key = (__u32)bpf_get_current_pid_tgid();
	bpf_map_update_elem(&calls, &key, &s->pending, BPF_ANY);
	return 0;
}

/*
 * The path of a call lay in a page of the program that was not mapped yet, as a string constant may. The kernel reads it
 * first of all, and this is where the page has just been mapped: now it can be read, and nothing has happened yet.
 */
SEC("tp_btf/mm_filemap_map_pages")
int roar_pages_mapped(__u64 *context)
{
	struct roar_settings *settings = the_settings();
	struct task_struct *task;
	struct pending *pending;
	struct scratch *s;
	__u64 key;

	if (!settings || !settings->unread)
		return 0;
	key = (__u32)bpf_get_current_pid_tgid();
	pending = bpf_map_lookup_elem(&calls, &key);
	if (!pending || !pending->unread)
		return 0;
	task = bpf_get_current_task_btf();
	if (!prepare((struct pt_regs *)bpf_task_pt_regs(task), pending->action, is_compat(task)))
		return 0;
	s = scratch();
	if (!s)
		return 0;
	s->pending.unread = 1; /* it was counted, whatever it is now */
	bpf_map_update_elem(&calls, &key, &s->pending, BPF_ANY);
	return 0;
}

/* --- the end of calls ----------------------------------------------------------------------------------------------- */

/* Takes what was remembered of a call into the scratch. Returns whether there was something. */
SUBPROGRAM int recall(__u64 key)
{
	struct roar_settings *settings = the_settings();
	struct scratch *s = scratch();
	struct pending *pending;

	if (!s || !settings)
		return 0;
	pending = bpf_map_lookup_elem(&calls, &key);
	if (!pending)
		return 0;
	if (pending->unread)
		__sync_fetch_and_add(&settings->unread, -1ull);
	bpf_probe_read_kernel(&s->pending, sizeof(s->pending), pending);
	bpf_map_delete_elem(&calls, &key);
	return 1;
}

/* For the self-test: where the kernel keeps a directory entry that was just made. */
INLINE void calibrate(struct scratch *s, struct file *file, __u32 tgid)
{
	struct dentry *dentry = READ(file, f_path.dentry);

	begin(s, ROAR_CALIBRATE, 0, tgid);
	s->event.stat.dev = READ(dentry, d_name.hash_len);
	s->event.stat.ino = (__u64)READ(dentry, d_hash.pprev);
	s->event.stat.size = (__u64)READ(dentry, d_parent);
	s->event.known = READ(file, f_mode) & FMODE_CREATED ? ROAR_CREATED : 0;
	open_part(s, ROAR_PATH);
	climb((__u64)dentry, (__u64)READ(file, f_path.mnt));
	close_part(s);
	emit(1);
}

/* True for a reading open that was reported before. Otherwise `key` is what to note once it is reported. */
INLINE int is_old_news(struct seen_key *key, __u32 flags, struct scratch *s, struct file *file)
{
	if (flags & (O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE_BIT))
		return 0;
	key->dentry = (__u64)READ(file, f_path.dentry);
	key->mount = (__u64)READ(file, f_path.mnt);
	key->ino = s->event.stat.ino;
	key->mtime_ns = s->event.stat.mtime_ns;
	key->ctime_ns = s->event.stat.ctime_ns;
	key->run = s->event.run;
	return bpf_map_lookup_elem(&seen, key) != 0;
}

/* Reports an open that gave a descriptor. `before`: s->pending tells what was there. */
SUBPROGRAM int opened(__u64 run_tgid, long number, __u32 flags, int before)
{
	__u32 run = run_tgid >> 32, tgid = run_tgid, one = 1;
	struct file *file = (struct file *)file_of(number);
	struct scratch *s = scratch();
	struct seen_key key = {};
	struct inode *inode;
	__u64 dentry;

	if (!s)
		return 0;
	if (!file || ((READ(file, f_flags) ^ flags) & O_ACCMODE))
		return 1;
	inode = READ(file, f_inode);
	if (!is_regular(inode) || READ(file, f_mode) & FMODE_PATH)
		return 0;
	begin(s, ROAR_OPEN, run, tgid);
	s->event.fs_magic = READ(READ(inode, i_sb), s_magic);
	if (s->event.fs_magic == PROC_SUPER_MAGIC || s->event.fs_magic == SYSFS_MAGIC)
		return 0;
	take_stat(&s->event.stat, inode);
	if (is_old_news(&key, flags, s, file))
		return 0;
	s->event.flags = flags;
	s->event.known = ROAR_STAT;
	if (READ(file, f_mode) & FMODE_CREATED)
		s->event.known |= ROAR_CREATED;
	dentry = (__u64)READ(file, f_path.dentry);
	if (is_unhashed(dentry))
		s->event.known |= ROAR_UNLINKED;
	if (before && s->pending.from.stat.ino == s->event.stat.ino && s->pending.from.stat.dev == s->event.stat.dev) {
		s->event.other = s->pending.from.stat;
		s->event.known |= ROAR_OTHER;
	}
	open_part(s, ROAR_PATH);
	climb(dentry, (__u64)READ(file, f_path.mnt));
	close_part(s);
	if (emit(0) == 0 && key.dentry)
		bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
	return 0;
}

/* Reports a call that changed names, from s->pending. Places that were not found before are by now, for the kernel has
 * been there itself: `rewalk` has tried. */
SUBPROGRAM int changed(__u64 run_tgid, int action, __u32 flags)
{
	__u32 run = run_tgid >> 32, tgid = run_tgid;
	struct scratch *s = scratch();
	struct place *from, *to;
	struct inode *inode;
	int directory = 0;

	if (!s)
		return 0;
	from = &s->pending.from;
	to = &s->pending.to;
	switch (action) {
	case RENAME:
	case RENAMEAT:
	case RENAMEAT2:
		begin(s, ROAR_RENAME, run, tgid);
		if (is_known(&to->stat))
			s->event.known |= ROAR_OTHER;
		if (to->end == ABSENT)
			s->event.known |= ROAR_ABSENT;
		s->event.other = to->stat;
		directory = 1;
		break;
	case LINK:
	case LINKAT:
		begin(s, ROAR_LINK, run, tgid);
		if (from->child && is_unhashed(from->child))
			s->event.known |= ROAR_NO_NAME;
		break;
	case UNLINK:
	case UNLINKAT:
		begin(s, ROAR_UNLINK, run, tgid);
		break;
	case MKNOD:
	case MKNODAT:
		begin(s, ROAR_CREATE, run, tgid);
		break;
	default:
		begin(s, action == TRUNCATE ? ROAR_TRUNCATE : ROAR_UTIMES, run, tgid);
		s->event.other = from->stat;
		if (is_known(&from->stat))
			s->event.known |= ROAR_OTHER;
		inode = from->child ? inode_at(from->child) : (struct inode *)0;
		if (inode)
			take_stat(&from->stat, inode);
		break;
	}
	s->event.flags = flags;
	s->event.stat = from->stat;
	if (is_known(&from->stat))
		s->event.known |= ROAR_STAT;
	/* links, devices, pipes: nothing that has content. Said by the reader where two things are involved. */
	if (is_known(&from->stat) && s->event.kind != ROAR_RENAME && (from->stat.mode & S_IFMT) != S_IFREG)
		return 0;
	add_place(0);
	if (s->event.kind == ROAR_RENAME || s->event.kind == ROAR_LINK)
		add_place(1);
	/* Files of a directory that moved are listed by the reader: the sooner the better. */
	emit(directory && (from->stat.mode & S_IFMT) == S_IFDIR);
	return 0;
}

/* Finds again what could not be found before the call, or was not looked for. */
INLINE void rewalk(struct scratch *s, struct pt_regs *regs, int action, int compat)
{
	__u64 a = argument(regs, compat, 0), b = argument(regs, compat, 1), c = argument(regs, compat, 2),
	      d = argument(regs, compat, 3);
	int first = s->pending.from.end == UNKNOWN, second = s->pending.to.end == UNKNOWN;

	switch (action) {
	case RENAME:
	case LINK:
		if (second)
			find_user(b, AT_FDCWD, SECOND);
		if (first)
			find_user(a, AT_FDCWD, 0);
		break;
	case RENAMEAT:
	case RENAMEAT2:
	case LINKAT:
		if (second)
			find_user(d, c, SECOND);
		if (first)
			find_user(b, a, action == LINKAT && argument(regs, compat, 4) & AT_SYMLINK_FOLLOW ? FOLLOW : 0);
		break;
	case UNLINK:
		if (first)
			find_user(a, AT_FDCWD, 0);
		break;
	case UNLINKAT:
		if (first)
			find_user(b, a, 0);
		break;
	case MKNOD:
		find_user(a, AT_FDCWD, 0);
		break;
	case MKNODAT:
		find_user(b, a, 0);
		break;
	default:
		break;
	}
}

INLINE int is_rename(int action)
{
	return action == RENAME || action == RENAMEAT || action == RENAMEAT2;
}

/* A rename whose source was not known before: what moved is at the second name now. */
INLINE void find_moved(struct scratch *s, struct pt_regs *regs, int action, int compat)
{
	struct roar_stat old = s->pending.to.stat;

	if (action == RENAME)
		find_user(argument(regs, compat, 1), AT_FDCWD, SECOND);
	else
		find_user(argument(regs, compat, 3), argument(regs, compat, 2), SECOND);
	s->pending.from.stat = s->pending.to.stat;
	s->pending.to.stat = old;
}

SUBPROGRAM_OF_POINTERS int name_call_ended(struct pt_regs *regs, int action, __u64 run_tgid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task), is_mknod = action == MKNOD || action == MKNODAT;
	struct scratch *s = scratch();
	__u32 flags = 0, mode;

	if (!s || !regs)
		return 0;
	if (is_mknod) {
		mode = argument(regs, compat, action == MKNOD ? 1 : 2) & S_IFMT;
		if (mode != 0 && mode != S_IFREG)
			return 0;
		s->pending.from.end = UNKNOWN;
	} else if (!recall((__u32)bpf_get_current_pid_tgid())) {
		return 0;
	}
	rewalk(s, regs, action, compat);
	if (is_rename(action) && !is_known(&s->pending.from.stat))
		find_moved(s, regs, action, compat);
	if (action == RENAMEAT2)
		flags = argument(regs, compat, 4);
	changed(run_tgid, action, flags);
	return 0;
}

SUBPROGRAM_OF_POINTERS int open_ended(struct pt_regs *regs, int action, __u64 run_tgid, long number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task), before = 0;
	struct open_call call = {};
	struct scratch *s = scratch();

	if (!s || !regs || !open_call(&call, regs, action, compat) || call.flags & O_PATH)
		return 0;
	if (call.flags & O_TRUNC)
		before = recall((__u32)bpf_get_current_pid_tgid());
	if (!opened(run_tgid, number, call.flags, before))
		return 0;
	/* Another thread was faster. What is at that name now is most likely what was opened. */
	find_user(call.path, call.dirfd, call.how);
	begin(s, ROAR_UNSEEN, run_tgid >> 32, run_tgid);
	s->event.flags = call.flags;
	s->event.number = number;
	s->event.stat = s->pending.from.stat;
	if (is_known(&s->event.stat))
		s->event.known |= ROAR_STAT;
	add_place(0);
	emit(1);
	return 0;
}

INLINE __u32 mount_namespace(struct task_struct *task)
{
	struct nsproxy *proxy = READ(task, nsproxy);

	return proxy ? READ(READ(proxy, mnt_ns), ns.inum) : 0;
}

SUBPROGRAM int namespace_changed(__u64 run_tgid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct roar_settings *settings = the_settings();
	struct scratch *s = scratch();

	if (!s || !settings || mount_namespace(task) == settings->mount_ns)
		return 0;
	begin(s, ROAR_NAMESPACE, run_tgid >> 32, run_tgid);
	emit(0);
	return 0;
}

SEC("tp_btf/sys_exit")
int roar_sys_exit(__u64 *context)
{
	struct pt_regs *regs = (struct pt_regs *)context[0];
	struct task_struct *task = bpf_get_current_task_btf();
	int compat = is_compat(task);
	enum action action = action_of(call_number(regs), compat);
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct roar_settings *settings;
	struct roar_process *process;
	long result = context[1];
	struct scratch *s;
	__u64 run_tgid;

	if (action == NOTHING)
		return 0;
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (!process) {
		settings = the_settings();
		s = scratch();
		if (s && settings && settings->calibrating == tgid && is_open(action) && result >= 0)
			calibrate(s, (struct file *)file_of(result), tgid);
		return 0;
	}
	if (result < 0) {
		if (!(action >= MKNOD || action == OPEN_BY_HANDLE))
			recall((__u32)bpf_get_current_pid_tgid());
		return 0;
	}
	run_tgid = (__u64)process->run << 32 | tgid;
	if (is_open(action))
		open_ended(regs, action, run_tgid, result);
	else if (action == NAMESPACE)
		namespace_changed(run_tgid);
	else
		name_call_ended(regs, action, run_tgid);
	return 0;
}

/* --- processes ------------------------------------------------------------------------------------------------------ */

INLINE void count_processes(__u32 number, __u64 more)
{
	struct roar_run *run = run_of(number);

	if (run)
		__sync_fetch_and_add(&run->processes, more);
}

/* In the parent, before the child runs. */
SEC("tp_btf/sched_process_fork")
int roar_fork(__u64 *context)
{
	struct task_struct *parent = (struct task_struct *)context[0];
	struct task_struct *child = (struct task_struct *)context[1];
	__u32 tgid = READ(parent, tgid), new = READ(child, tgid);
	struct roar_process *process;
	struct roar_process copy = {};
	struct scratch *s;

	if (tgid == new)
		return 0;
	process = bpf_map_lookup_elem(&processes, &tgid);
	s = scratch();
	if (!process || !s)
		return 0;
	copy.run = process->run;
	begin(s, ROAR_FORK, copy.run, new);
	s->event.number = tgid;
	if (bpf_map_update_elem(&processes, &new, &copy, BPF_ANY)) {
		/* no room for it: all that it does is lost */
		struct roar_run *run = run_of(copy.run);

		if (run)
			__sync_fetch_and_add(&run->lost, 1);
		return 0;
	}
	count_processes(copy.run, 1);
	emit(0);
	if (READ(child, nsproxy) != READ(parent, nsproxy) && mount_namespace(child) != mount_namespace(parent)) {
		begin(s, ROAR_NAMESPACE, copy.run, new);
		emit(0);
	}
	return 0;
}

/* The words of the command line, as the program has just got them. */
INLINE void add_argv(struct scratch *s, struct task_struct *task)
{
	struct mm_struct *mm = READ(task, mm);
	__u64 start = READ(mm, arg_start), size = READ(mm, arg_end) - start;
	__u32 at;

	open_part(s, ROAR_ARGV);
	at = s->at;
	if (size > TEXT_MAX) {
		size = TEXT_MAX;
		s->event.known |= ROAR_CUT;
	}
	if (at <= PARTS_MAX - TEXT_MAX && bpf_probe_read_user(s->parts + at, size, (void *)start) == 0)
		s->at = at + size;
	close_part(s);
}

SUBPROGRAM int executed(__u64 run_tgid, __u64 script)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct scratch *s = scratch();
	struct inode *inode;
	struct file *exe;
	__u64 dentry;

	if (!s)
		return 0;
	begin(s, ROAR_EXEC, run_tgid >> 32, run_tgid);
	exe = READ(READ(task, mm), exe_file);
	inode = READ(exe, f_inode);
	dentry = (__u64)READ(exe, f_path.dentry);
	take_stat(&s->event.stat, inode);
	s->event.known = ROAR_STAT;
	s->event.fs_magic = READ(READ(inode, i_sb), s_magic);
	if (is_unhashed(dentry))
		s->event.known |= ROAR_UNLINKED;
	open_part(s, ROAR_PATH);
	climb(dentry, (__u64)READ(exe, f_path.mnt));
	close_part(s);
	if (script) {
		s->event.known |= ROAR_SCRIPT;
		find_kernel(script, AT_FDCWD, FOLLOW);
		s->event.other = s->pending.from.stat;
		if (is_known(&s->event.other))
			s->event.known |= ROAR_OTHER;
		add_place(0);
	}
	add_argv(s, task);
	emit(0);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int roar_exec(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	struct linux_binprm *program = (struct linux_binprm *)context[2];
	struct roar_settings *settings = the_settings();
	struct roar_process *process = current_process();
	const char *name = READ(program, filename), *interpreter = READ(program, interp);
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, user;
	struct scratch *s = scratch();
	__u32 run;

	if (!process || !settings || !s)
		return 0;
	run = process->run;
	user = READ(READ(task, cred), euid.val);
	if (settings->only_user != ~0u && settings->only_user != user) {
		begin(s, ROAR_FOREIGN, run, tgid);
		s->event.number = user;
		bpf_map_delete_elem(&processes, &tgid);
		count_processes(run, -1ull);
		emit(0);
		return 0;
	}
	executed((__u64)run << 32 | tgid, name != interpreter ? (__u64)name : 0);
	return 0;
}

/* Of the last thread of a process. */
SEC("tp_btf/sched_process_exit")
int roar_exit(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	struct signal_struct *signal = READ(task, signal);
	__u32 tgid = READ(task, tgid);
	struct roar_process *process;
	struct scratch *s;
	__u32 run;

	if (READ(signal, live.counter) != 0)
		return 0;
	process = bpf_map_lookup_elem(&processes, &tgid);
	s = scratch();
	if (!process || !s)
		return 0;
	run = process->run;
	begin(s, ROAR_EXIT, run, tgid);
	s->event.number = READ(signal, flags) & SIGNAL_GROUP_EXIT ? READ(signal, group_exit_code)
								  : READ(READ(task, group_leader), exit_code);
	if (bpf_map_delete_elem(&processes, &tgid))
		return 0; /* two last threads at a time */
	count_processes(run, -1ull);
	emit(0);
	return 0;
}

/* --- io_uring ------------------------------------------------------------------------------------------------------- */

enum {
	IORING_OP_OPENAT = 18,
	IORING_OP_OPENAT2 = 28,
	IORING_OP_RENAMEAT = 35,
	IORING_OP_UNLINKAT = 36,
	IORING_OP_LINKAT = 39,
};

/* Operations that open or name files make no system call of their own; their names are in the kernel's memory already. */
SEC("tp_btf/io_uring_submit_req")
int roar_request(__u64 *context)
{
	struct io_kiocb *request = (struct io_kiocb *)context[0];
	__u8 operation = READ(request, opcode);
	__u64 key = (__u64)request;
	struct scratch *s;

	if (operation != IORING_OP_OPENAT && operation != IORING_OP_OPENAT2 && operation != IORING_OP_RENAMEAT &&
	    operation != IORING_OP_UNLINKAT && operation != IORING_OP_LINKAT)
		return 0;
	s = scratch();
	if (!current_process() || !s)
		return 0;
	s->pending.unread = 0;
	s->pending.to.end = UNKNOWN;
	if (operation == IORING_OP_OPENAT || operation == IORING_OP_OPENAT2) {
		struct io_open *open = (void *)request;

		s->pending.action = READ(open, how.flags);
		find_kernel((__u64)READ(READ(open, filename), name), READ(open, dfd), FOLLOW);
	} else if (operation == IORING_OP_UNLINKAT) {
		struct io_unlink *unlink = (void *)request;

		s->pending.action = READ(unlink, flags);
		find_kernel((__u64)READ(READ(unlink, filename), name), READ(unlink, dfd), 0);
	} else {
		struct io_rename *rename = (void *)request; /* io_link has the same fields at the same places */
		int flags = READ(rename, flags);

		s->pending.action = flags;
		find_kernel((__u64)READ(READ(rename, newpath), name), READ(rename, new_dfd), SECOND);
		find_kernel((__u64)READ(READ(rename, oldpath), name), READ(rename, old_dfd),
			    operation == IORING_OP_LINKAT && flags & AT_SYMLINK_FOLLOW ? FOLLOW : 0);
	}
	bpf_map_update_elem(&calls, &key, &s->pending, BPF_ANY);
	return 0;
}

SUBPROGRAM int request_unseen(__u64 run_tgid, int operation)
{
	struct scratch *s = scratch();

	if (!s)
		return 0;
	begin(s, ROAR_IO_URING, run_tgid >> 32, run_tgid);
	s->event.number = operation;
	emit(0);
	return 0;
}

SUBPROGRAM int request_ended(__u64 run_tgid, int operation, long result)
{
	struct scratch *s = scratch();
	__u32 flags;

	if (!s)
		return 0;
	flags = s->pending.action;
	switch (operation) {
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
		if (!(flags & O_PATH) && opened(run_tgid, result, flags, flags & O_TRUNC))
			request_unseen(run_tgid, operation);
		return 0;
	case IORING_OP_UNLINKAT:
		if (flags & AT_REMOVEDIR)
			return 0;
		if (s->pending.from.end == UNKNOWN)
			return request_unseen(run_tgid, operation);
		return changed(run_tgid, UNLINKAT, 0);
	default:
		if (s->pending.from.end == UNKNOWN || s->pending.to.end == UNKNOWN || !s->pending.from.child)
			return request_unseen(run_tgid, operation);
		return changed(run_tgid, operation == IORING_OP_RENAMEAT ? RENAMEAT2 : LINKAT, flags);
	}
}

SEC("tp_btf/io_uring_complete")
int roar_request_complete(__u64 *context)
{
	struct io_kiocb *request = (struct io_kiocb *)context[1];
	struct roar_process *process;
	long result;

	if (!request || !recall((__u64)request))
		return 0;
	process = current_process();
	result = READ(request, cqe.res);
	if (!process || result < 0)
		return 0;
	request_ended((__u64)process->run << 32 | (bpf_get_current_pid_tgid() >> 32), READ(request, opcode), result);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
