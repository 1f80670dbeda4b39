/*
 * Names as a call gives them, found in the file system and added to an event.
 */
#ifndef ROAR_PLACES_H
#define ROAR_PLACES_H

/* The walk begins at a directory, or whatever a descriptor is: dirfd of the call. */
SUBPROGRAM int stand(int dirfd, int in_root)
{
	struct scratch *s = scratch();
	struct task_struct *task = bpf_get_current_task_btf();
	struct fs_struct *fs = task->fs;

	if (!s)
		return 0;
	s->root = (__u64)fs->root.dentry;
	s->root_mount = (__u64)fs->root.mnt;
	if (dirfd == AT_FDCWD) {
		s->base = (__u64)fs->pwd.dentry;
		s->base_mount = (__u64)fs->pwd.mnt;
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
			take_stat(s, &place->stat, inode);
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

#endif
