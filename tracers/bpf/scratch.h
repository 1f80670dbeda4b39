/*
 * Room to work in: a program has 512 bytes of stack, and paths are longer. One piece for each processor; no two programs
 * that use it ever run on one processor at a time, as the kernel runs them without preemption, and none in interrupts.
 */
#ifndef ROAR_SCRATCH_H
#define ROAR_SCRATCH_H

/* Bytes of a path that a process names, and of what a symbolic link makes of it. */
#define TEXT_MAX 8192
#define NAME_MAX 255

/* How a walk from a name to a directory entry ended. */
enum walk_end {
	WALKING = 0,
	FOUND,   /* the directory of the last name is known; `child` is what is there, 0 when that is not known */
	ABSENT,  /* FOUND, and nothing is there */
	UNKNOWN, /* something on the way is not in the kernel's cache, or is no plain name */
};

/* A name of the file system: a directory and the last word. Lives from the beginning of a call to its end. */
struct place {
	__u64 parent;
	__u64 mount;
	__u64 child;       /* directory entry at this name, 0: not known */
	__u32 end;         /* enum walk_end */
	__u32 name_size;
	struct roar_stat stat; /* of the child; all zero when there is none, or it is not known */
	char name[NAME_MAX + 1];
};

/* A call that began and has not ended. */
struct pending {
	__u32 action;
	__u32 unread; /* its path could not be read: that page of the process is not mapped yet */
	struct place from;
	struct place to;
};

_Static_assert(sizeof(struct pending) == PENDING_SIZE, "the collector counts on it");

struct scratch {
	/* One after the other, as they go into the ring buffer. */
	struct roar_event event;
	__u8 parts[PARTS_MAX + TEXT_MAX];

	__u32 at; /* bytes of `parts` in use */
	__u32 part; /* where the header of the open part is */

	/* The beginnings of what was looked at last; all that is needed of it lies there. */
	__u8 file[96] __attribute__((aligned(8)));
	__u8 inode[144];
	__u8 entry[56];

	/* climb: from a directory entry up to the root */
	__u64 dentry;
	__u64 mount;
	__u64 mount_root;

	/* walk: from a name down to a directory entry */
	__u64 root;
	__u64 root_mount;
	__u64 here;
	__u64 here_mount;
	__u32 end;
	__u32 follow;
	__u32 text_at;
	__u32 which; /* of the two texts */
	__u32 links;
	__u32 name_at;
	__u32 name_size;
	__u64 child;
	__u64 base; /* where the walk began */
	__u64 base_mount;

	struct pending pending;
	char text[2][TEXT_MAX + TEXT_MAX / 2 + 512];
};

struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_ARRAY);
	MAP_NUMBER(max_entries, 1); /* the loader sets the number of processors */
	MAP_TYPE(key, __u32);
	MAP_TYPE(value, struct scratch);
} scratches SEC(".maps");

INLINE struct scratch *scratch(void)
{
	__u32 processor = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&scratches, &processor);
}

struct {
	MAP_NUMBER(type, BPF_MAP_TYPE_ARRAY);
	MAP_NUMBER(max_entries, 1);
	MAP_TYPE(key, __u32);
	MAP_TYPE(value, struct roar_settings);
} settings SEC(".maps");

INLINE struct roar_settings *the_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

#endif
