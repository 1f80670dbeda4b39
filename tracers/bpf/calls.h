/*
 * System calls: what must be known before (sys_enter), and what they have done (sys_exit).
 */
#ifndef ROAR_CALLS_H
#define ROAR_CALLS_H

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

/* Copies what was remembered of a call into the scratch. Returns whether there was something. */
SUBPROGRAM int recall(__u64 key)
{
	struct scratch *s = scratch();
	struct pending *pending;

	if (!s)
		return 0;
	pending = bpf_map_lookup_elem(&calls, &key);
	if (!pending)
		return 0;
	bpf_probe_read_kernel(&s->pending, sizeof(s->pending), pending);
	return 1;
}

/* For a call that has ended. After its report: the collector takes it for done when nothing is remembered of it. */
SUBPROGRAM int forget(__u64 key)
{
	struct roar_settings *settings = the_settings();
	struct pending *pending = bpf_map_lookup_elem(&calls, &key);

	if (!settings || !pending)
		return 0;
	if (pending->unread)
		__sync_fetch_and_add(&settings->unread, -1ull);
	bpf_map_delete_elem(&calls, &key);
	return 0;
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

INLINE __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * GOLDEN_RATIO_64;
	return hash ^ hash >> 32;
}

/*
 * What tells a reading open from all others; zero for any other open. The ctime changes whenever content, times or name do.
 * Opens that differ in one word have different fingerprints always, others all but surely. The inode was copied.
 */
INLINE __u64 fingerprint(struct scratch *s, __u32 run, __u32 flags, struct path *path, struct inode *inode)
{
	__u64 hash = run;

	if (flags & (O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE_BIT))
		return 0;
	hash = mix(hash, (__u64)path->dentry);
	hash = mix(hash, (__u64)path->mnt);
	hash = mix(hash, FIELD(s->inode, inode, i_ino));
	return mix(hash, changed_at(s, inode));
}

/* Reports an open that gave a descriptor. `before`: s->pending tells what was there. */
SUBPROGRAM int opened(__u64 run_tgid, long number, __u32 flags, int before)
{
	__u32 run = run_tgid >> 32, tgid = run_tgid, mode, slot;
	struct file *file = (struct file *)file_of(number);
	struct scratch *s = scratch();
	struct inode *inode;
	__u64 print, *last;
	struct path path;

	if (!s || !file)
		return 1;
	bpf_probe_read_kernel(s->file, sizeof(s->file), file);
	if ((FIELD(s->file, file, f_flags) ^ flags) & O_ACCMODE)
		return 1;
	mode = FIELD(s->file, file, f_mode);
	inode = FIELD(s->file, file, f_inode);
	path = FIELD(s->file, file, f_path);
	copy_inode(s, inode);
	if ((FIELD(s->inode, inode, i_mode) & S_IFMT) != S_IFREG || mode & FMODE_PATH)
		return 0;
	print = fingerprint(s, run, flags, &path, inode);
	slot = print >> (64 - SEEN_BITS);
	last = bpf_map_lookup_elem(&seen, &slot);
	if (last && print && *last == print)
		return 0;
	begin(s, ROAR_OPEN, run, tgid);
	s->event.fs_magic = READ(FIELD(s->inode, inode, i_sb), s_magic);
	if (s->event.fs_magic == PROC_SUPER_MAGIC || s->event.fs_magic == SYSFS_MAGIC)
		return 0;
	fill_stat(s, &s->event.stat, inode);
	s->event.flags = flags;
	s->event.known = ROAR_STAT;
	if (mode & FMODE_CREATED)
		s->event.known |= ROAR_CREATED;
	if (is_unhashed((__u64)path.dentry))
		s->event.known |= ROAR_UNLINKED;
	if (before && s->pending.from.stat.ino == s->event.stat.ino && s->pending.from.stat.dev == s->event.stat.dev) {
		s->event.other = s->pending.from.stat;
		s->event.known |= ROAR_OTHER;
	}
	open_part(s, ROAR_PATH);
	climb((__u64)path.dentry, (__u64)path.mnt);
	close_part(s);
	if (emit(0) == 0 && last && print)
		*last = print;
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
			take_stat(s, &from->stat, inode);
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
	int compat = is_compat(task), before = 0, unseen;
	struct open_call call = {};
	struct scratch *s = scratch();

	if (!s || !regs || !open_call(&call, regs, action, compat) || call.flags & O_PATH)
		return 0;
	if (call.flags & O_TRUNC)
		before = recall((__u32)bpf_get_current_pid_tgid());
	unseen = opened(run_tgid, number, call.flags, before);
	if (before)
		forget((__u32)bpf_get_current_pid_tgid());
	if (!unseen)
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
			forget((__u32)bpf_get_current_pid_tgid());
		return 0;
	}
	run_tgid = (__u64)process->run << 32 | tgid;
	if (is_open(action)) {
		open_ended(regs, action, run_tgid, result);
	} else if (action == NAMESPACE) {
		namespace_changed(run_tgid);
	} else {
		name_call_ended(regs, action, run_tgid);
		forget((__u32)bpf_get_current_pid_tgid());
	}
	return 0;
}

#endif
