/*
 * Between names and directory entries, in the kernel's own objects.
 *
 * `climb` writes the path of an entry: its names up to the root, through the mounts. `walk` goes the other way, from what
 * a process wrote to the entry it means, through the cache of directory entries, as the kernel itself is about to do
 * (fs/namei.c). It is used where a call destroys what it names: what was there must be known before. It cannot ask a
 * file system, so it may end UNKNOWN; but everything that the job or its preparation touched lately is in the cache.
 */
#ifndef ROAR_WALK_H
#define ROAR_WALK_H

#define PATH_DEPTH 4096
#define WALK_STEPS 4096
#define LINKS_MAX 40

/* --- writing parts ------------------------------------------------------------------------------------------------ */

INLINE void open_part(struct scratch *s, __u32 type)
{
	__u32 at = s->at;

	s->part = at;
	if (at > PARTS_MAX - sizeof(struct roar_part)) {
		s->event.known |= ROAR_CUT;
		return;
	}
	((struct roar_part *)(s->parts + at))->type = type;
	s->at = at + sizeof(struct roar_part);
}

INLINE void close_part(struct scratch *s)
{
	__u32 at = s->part;

	if (at > PARTS_MAX - sizeof(struct roar_part))
		return;
	((struct roar_part *)(s->parts + at))->size = s->at - at - sizeof(struct roar_part);
	s->event.parts++;
	/* the next header is aligned */
	s->at = (s->at + 7) & ~7u;
}

/* A name of the open part, and its slash. */
INLINE void add_name(struct scratch *s, const void *name, __u32 size)
{
	__u32 at = s->at;

	if (at > PARTS_MAX - 512) {
		s->event.known |= ROAR_CUT;
		return;
	}
	size &= NAME_MAX;
	bpf_probe_read_kernel(s->parts + at, size, name);
	s->parts[at + size] = '/';
	s->at = at + size + 1;
}

/* --- up ----------------------------------------------------------------------------------------------------------- */

INLINE struct mount *mount_of(__u64 vfsmount)
{
	return (struct mount *)(vfsmount - FIELD_OFFSET(struct mount, mnt));
}

INLINE void copy_entry(struct scratch *s, struct dentry *dentry)
{
	bpf_probe_read_kernel(s->entry, sizeof(s->entry), dentry);
}

static long climb_step(__u32 step, void *unused)
{
	struct scratch *s = scratch();
	struct dentry *dentry, *parent;
	struct mount *mount, *above;

	if (!s)
		return 1;
	dentry = (struct dentry *)s->dentry;
	if (s->dentry == s->mount_root) {
		mount = mount_of(s->mount);
		above = READ(mount, mnt_parent);
		if (above == mount || !above)
			return 1;
		s->dentry = (__u64)READ(mount, mnt_mountpoint);
		s->mount = (__u64)above + FIELD_OFFSET(struct mount, mnt);
		s->mount_root = (__u64)READ(above, mnt.mnt_root);
		return 0;
	}
	copy_entry(s, dentry);
	parent = FIELD(s->entry, dentry, d_parent);
	if (!parent)
		return 1;
	add_name(s, FIELD(s->entry, dentry, d_name.name), FIELD(s->entry, dentry, d_name.len));
	if (parent == dentry)
		return 1;
	s->dentry = (__u64)parent;
	return 0;
}

/* Adds the names from an entry up to the root of all mounts. */
SUBPROGRAM int climb(__u64 dentry, __u64 mount)
{
	struct scratch *s = scratch();

	if (!s)
		return 0;
	s->dentry = dentry;
	s->mount = mount;
	s->mount_root = (__u64)READ(mount_of(mount), mnt.mnt_root);
	bpf_loop(PATH_DEPTH, climb_step, (void *)0, 0);
	return 0;
}

/* --- the cache of directory entries: fs/dcache.c, include/linux/word-at-a-time.h, fs/namei.c ------------------------- */

#define BYTES_01 0x0101010101010101ull
#define BYTES_80 0x8080808080808080ull
#define SLASHES (BYTES_01 * '/')
#define GOLDEN_RATIO_64 0x61C8864680B583EBull

INLINE __u64 rotate(__u64 value, int by)
{
	return value << by | value >> (64 - by);
}

INLINE __u64 zero_bytes(__u64 word)
{
	return (word - BYTES_01) & ~word & BYTES_80;
}

/* hash_name(): hash and size of the name at `text`, which ends at a slash or NUL; size in the upper half. */
SUBPROGRAM __u64 hash_name(__u64 parent, __u32 which, __u32 at)
{
	__u64 a = 0, x = 0, y = parent, ends, mask;
	struct scratch *s = scratch();
	const char *text;
	__u32 size;

	if (!s || at > TEXT_MAX)
		return 0;
	text = s->text[which & 1] + at;

	for (size = 0; size <= NAME_MAX + 1; size += 8) {
		a = *(const __u64 *)(text + size);
		ends = zero_bytes(a) | zero_bytes(a ^ SLASHES);
		if (ends)
			goto last;
		x ^= a;
		y ^= x;
		x = rotate(x, 12);
		x += y;
		y = rotate(y, 45);
		y *= 9;
	}
	return 0;
last:
	mask = ((ends - 1) & ~ends) >> 7;
	x ^= a & mask;
	y ^= x * GOLDEN_RATIO_64;
	y *= GOLDEN_RATIO_64;
	/* bytes below the end: `mask` has that many of 0xff */
	size += (mask & BYTES_01) * BYTES_01 >> 56;
	return (__u64)size << 32 | y >> 32;
}

/* __d_lookup(). The name itself is not compared: parent, hash and size are 128 bits of it. What is found was copied. */
SUBPROGRAM __u64 find_child(__u64 parent, __u64 hash_size)
{
	struct roar_settings *settings = the_settings();
	struct scratch *s = scratch();
	__u64 bucket, node = 0;
	int i;

	if (!s || !settings)
		return 0;
	bucket = settings->hash_table + 8ull * ((__u32)hash_size >> (settings->hash_shift & 31));
	bpf_probe_read_kernel(&node, sizeof(node), (void *)bucket);
	node &= ~1ull;
	for (i = 0; i < 48 && node; i++) {
		struct dentry *dentry = (struct dentry *)(node - FIELD_OFFSET(struct dentry, d_hash));

		copy_entry(s, dentry);
		if ((__u64)FIELD(s->entry, dentry, d_parent) == parent &&
		    FIELD(s->entry, dentry, d_name.hash_len) == hash_size)
			return (__u64)dentry;
		node = (__u64)FIELD(s->entry, dentry, d_hash.next);
	}
	return 0;
}

/* The mount that covers an entry, 0 when there is none. */
SUBPROGRAM __u64 mount_on(__u64 vfsmount, __u64 dentry)
{
	struct mount *mount = mount_of(vfsmount), *child;
	__u64 head = (__u64)&mount->mnt_mounts;
	__u64 at = (__u64)READ(mount, mnt_mounts.next);
	int i;

	for (i = 0; i < 128 && at && at != head; i++) {
		child = (struct mount *)(at - FIELD_OFFSET(struct mount, mnt_child));
		if ((__u64)READ(child, mnt_mountpoint) == dentry)
			return (__u64)child + FIELD_OFFSET(struct mount, mnt);
		at = (__u64)READ(child, mnt_child.next);
	}
	return 0;
}

/* The entry was copied. */
INLINE int is_mountpoint(struct scratch *s, struct dentry *dentry)
{
	__u32 bit = HAS_ENUM_VALUE(dentry_flags, DCACHE_MOUNTED) ? ENUM_VALUE(dentry_flags, DCACHE_MOUNTED) : 0x10000;

	return FIELD(s->entry, dentry, d_flags) & bit;
}

/* --- down --------------------------------------------------------------------------------------------------------- */

#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFDIR 0040000
#define S_IFLNK 0120000

/* Puts the target of a link before what is left of the name, and begins there. */
INLINE int follow_link(struct scratch *s, struct inode *inode, __u32 rest)
{
	char *link = READ(inode, i_link);
	__u32 other = !(s->which & 1);
	long size;

	if (!link || ++s->links > LINKS_MAX || rest > TEXT_MAX / 2)
		return UNKNOWN;
	size = bpf_probe_read_kernel_str(s->text[other], TEXT_MAX / 2, link);
	if (size <= 0 || size > TEXT_MAX / 2)
		return UNKNOWN;
	bpf_probe_read_kernel_str(s->text[other] + size - 1, TEXT_MAX, s->text[!other] + rest);
	s->which = other;
	s->text_at = 0;
	if (s->text[other][0] == '/') {
		s->here = s->root;
		s->here_mount = s->root_mount;
	}
	return WALKING;
}

INLINE void go_up(struct scratch *s)
{
	int i;

	for (i = 0; i < 8; i++) {
		struct mount *mount = mount_of(s->here_mount), *above;

		if (s->here == s->root && s->here_mount == s->root_mount)
			return;
		if (s->here != (__u64)READ(mount, mnt.mnt_root))
			break;
		above = READ(mount, mnt_parent);
		if (above == mount || !above)
			return;
		s->here = (__u64)READ(mount, mnt_mountpoint);
		s->here_mount = (__u64)above + FIELD_OFFSET(struct mount, mnt);
	}
	s->here = (__u64)READ((struct dentry *)s->here, d_parent);
}

/* To a child that was copied. */
INLINE void go_down(struct scratch *s, struct dentry *child)
{
	int i;

	s->here = (__u64)child;
	for (i = 0; i < 4 && is_mountpoint(s, (struct dentry *)s->here); i++) {
		__u64 mount = mount_on(s->here_mount, s->here);

		if (!mount)
			return;
		s->here_mount = mount;
		s->here = (__u64)READ(mount_of(mount), mnt.mnt_root);
		copy_entry(s, (struct dentry *)s->here);
	}
}

/* An open file of the current process; 0: there is none. */
SUBPROGRAM __u64 file_of(long number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = task->files->fdt;
	struct file **slots = table->fd, *file = 0;

	if (number < 0 || number >= table->max_fds)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), slots + number);
	return (__u64)file;
}

/* A decimal number in the text: its value in the upper half, what follows in the lower. */
SUBPROGRAM __u64 number_at(__u32 which, __u32 at)
{
	struct scratch *s = scratch();
	__u32 value = 0, i;
	const char *text;

	if (!s || at > TEXT_MAX)
		return 0;
	text = s->text[which & 1] + at;
	for (i = 0; i < 10 && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + text[i] - '0';
	return (__u64)value << 32 | (at + i);
}

INLINE int begins(const char *text, const char *word, int size)
{
	int i;

#pragma unroll
	for (i = 0; i < size; i++)
		if (text[i] != word[i])
			return 0;
	return 1;
}

#define BEGINS(text, word) begins(text, word, sizeof(word) - 1)

/*
 * /proc/self/fd/N and its like, which no cache knows: they mean what the process has open, or where it stands. Only at the
 * beginning of a text; /dev/fd and /dev/stdin are links to such a text. Returns false for any other name.
 */
SUBPROGRAM int walk_proc(__u32 which)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fs_struct *fs = READ(task, fs);
	struct scratch *s = scratch();
	__u32 at = sizeof("/proc/") - 1;
	struct path path = {};
	const char *text;
	__u64 number;

	if (!s)
		return 0;
	text = s->text[which & 1];
	if (!BEGINS(text, "/proc/"))
		return 0;
	if (BEGINS(text + 6, "self/")) {
		at += sizeof("self/") - 1;
	} else if (BEGINS(text + 6, "thread-self/")) {
		at += sizeof("thread-self/") - 1;
	} else {
		number = number_at(which, at);
		if (number >> 32 != bpf_get_current_pid_tgid() >> 32)
			return 0;
		at = (__u32)number + 1;
	}
	KEEP(at);
	at &= 63;
	text += at;
	if (BEGINS(text, "fd/")) {
		struct file *file;

		number = number_at(which, at + 3);
		file = (struct file *)file_of(number >> 32);
		if ((__u32)number == at + 3 || !file)
			return 0;
		bpf_probe_read_kernel(&path, sizeof(path), &file->f_path);
		at = number;
	} else if (BEGINS(text, "cwd")) {
		bpf_probe_read_kernel(&path, sizeof(path), &fs->pwd);
		at += 3;
	} else if (BEGINS(text, "root")) {
		bpf_probe_read_kernel(&path, sizeof(path), &fs->root);
		at += 4;
	} else if (BEGINS(text, "exe")) {
		struct file *file = READ(READ(task, mm), exe_file);

		bpf_probe_read_kernel(&path, sizeof(path), &file->f_path);
		at += 3;
	} else {
		return 0;
	}
	KEEP(at);
	at &= 127;
	text = s->text[which & 1] + at;
	if (text[0] != '/' && (text[0] != 0 || !s->follow))
		return 0;
	s->here = (__u64)path.dentry;
	s->here_mount = (__u64)path.mnt;
	s->text_at = at;
	return 1;
}

/* One name. */
INLINE int walk_name(struct scratch *s)
{
	__u32 which = s->which & 1, at = s->text_at, size;
	struct dentry *child;
	struct inode *inode;
	__u64 hash_size;
	char *text, next;
	__u16 mode;
	int last;

	if (at > TEXT_MAX)
		return UNKNOWN;
	text = s->text[which] + at;
	if (text[0] == '/') {
		if (at == 0 && walk_proc(which))
			return WALKING;
		s->text_at = at + 1;
		return WALKING;
	}
	if (text[0] == 0) { /* ended at a directory: named by itself */
		s->child = s->here;
		s->name_size = 0;
		return FOUND;
	}
	if (text[0] == '.' && (text[1] == '/' || text[1] == 0)) {
		s->text_at = at + 1;
		return WALKING;
	}
	if (text[0] == '.' && text[1] == '.' && (text[2] == '/' || text[2] == 0)) {
		s->text_at = at + 2;
		go_up(s);
		return WALKING;
	}
	hash_size = hash_name(s->here, which, at);
	size = hash_size >> 32;
	if (size == 0 || size > NAME_MAX)
		return UNKNOWN;
	next = text[size];
	last = next == 0 || (next == '/' && text[size + 1] == 0);
	child = (struct dentry *)find_child(s->here, hash_size);
	inode = child ? FIELD(s->entry, child, d_inode) : (struct inode *)0;
	mode = inode ? READ(inode, i_mode) : 0;
	if (inode && (mode & S_IFMT) == S_IFLNK && (!last || s->follow))
		return follow_link(s, inode, at + size);
	if (last) {
		s->name_at = at;
		s->name_size = size;
		s->child = inode ? (__u64)child : 0;
		return child && !inode ? ABSENT : FOUND;
	}
	if (!inode)
		return UNKNOWN;
	go_down(s, child);
	s->text_at = at + size;
	return WALKING;
}

static long walk_step(__u32 step, void *unused)
{
	struct scratch *s = scratch();

	if (!s)
		return 1;
	s->end = walk_name(s);
	return s->end != WALKING;
}

/* From s->here along text[0]; the answer is in s->end, here (the directory), child and the name. */
SUBPROGRAM int walk(int follow)
{
	struct scratch *s = scratch();
	struct roar_settings *settings = the_settings();

	if (!s || !settings)
		return 0;
	s->follow = follow;
	s->which = 0;
	s->text_at = 0;
	s->links = 0;
	s->child = 0;
	s->name_at = 0;
	s->name_size = 0;
	s->end = UNKNOWN;
	if (settings->hash_table)
		bpf_loop(WALK_STEPS, walk_step, (void *)0, 0);
	if (s->end == WALKING)
		s->end = UNKNOWN;
	return 0;
}

#endif
