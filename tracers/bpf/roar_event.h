/*
 * What the BPF programs hand to the collector: one record per event in the ring buffer, and the maps both sides know.
 *
 * All fields have a fixed width and are in the byte order of the machine. tracers/ebpf/src/record.rs is the other side;
 * both assert the sizes. Nothing of this is ever written to a file.
 */
#ifndef ROAR_EVENT_H
#define ROAR_EVENT_H

/* Runs that can be watched at once. A run has a number that is never used again, and the slot `number % RUN_SLOTS`. */
#define RUN_SLOTS 1024

/* Bytes of all parts of one record. Two paths of PATH_MAX, or the words of a long command line. */
#define PARTS_MAX 32768

/* Bytes of what is remembered of a call between its beginning and its report, in the map `calls`. */
#define PENDING_SIZE 680

/* What stat(2) says of a file, in its own encoding of `dev`. All zero: not known. */
struct roar_stat {
	__u64 dev;
	__u64 ino;
	__u64 size;
	__s64 mtime_ns;
	__s64 ctime_ns;
	__u64 mode;
};

enum roar_kind {
	ROAR_FORK = 1,   /* number: process that forked */
	ROAR_EXEC,       /* stat, place: program; if SCRIPT: other, place: script; place: cwd; then ARGV */
	ROAR_EXIT,       /* number: wait(2) status */
	ROAR_OPEN,       /* flags, stat, place; other: what stood there before */
	ROAR_UNSEEN,     /* flags, place: opened, and closed again by another thread before it could be seen; number: fd */
	ROAR_RENAME,     /* flags of renameat2, two places; stat: what moved; other: what stood at the second place */
	ROAR_LINK,       /* two places; stat */
	ROAR_UNLINK,     /* place, stat */
	ROAR_TRUNCATE,   /* place; stat: now; other: before */
	ROAR_UTIMES,     /* place; stat: now; other: before */
	ROAR_CREATE,     /* place, stat */
	ROAR_NAMESPACE,  /* the process has mounts of its own */
	ROAR_IO_URING,   /* number: operation of io_uring that is not followed */
	ROAR_FOREIGN,    /* the process runs as another user, and is not watched any more; number: that user */
	ROAR_CALIBRATE,  /* for the self-test: stat.dev hash, stat.ino bucket, stat.size parent, of a file just opened */
};

/* Bits of roar_event.known. */
#define ROAR_STAT      0x01 /* `stat` is set */
#define ROAR_OTHER     0x02 /* `other` is set */
#define ROAR_CREATED   0x04 /* this very call made the file */
#define ROAR_UNLINKED  0x08 /* the file had no name any more, or never one */
#define ROAR_SCRIPT    0x10 /* a script was executed */
#define ROAR_CUT       0x20 /* a part did not fit */
#define ROAR_ABSENT    0x40 /* nothing stood at the second place */
#define ROAR_NO_NAME   0x80 /* the source of a link had no name */

struct roar_event {
	__u64 at_ns; /* CLOCK_MONOTONIC */
	__u32 kind;
	__u32 run;
	__u32 tgid;
	__u32 tid;
	__u32 flags;
	__s32 number;
	__u32 known;
	__u32 fs_magic;
	struct roar_stat stat;
	struct roar_stat other;
	__u32 parts; /* number of parts that follow */
	__u32 size;  /* bytes of the record, this header included */
};

/*
 * A part is this header and its bytes. A place is one PATH, or a BASE and a TEXT where the kernel's own names were not
 * to be had: then TEXT is what the process wrote, relative to BASE, and symbolic links are still to be followed.
 */
enum roar_part_type {
	ROAR_PATH = 1, /* names from the last to the first, each followed by '/' */
	ROAR_BASE,     /* like PATH */
	ROAR_TEXT,
	ROAR_ARGV,     /* words, each followed by NUL */
};

struct roar_part {
	__u32 type;
	__u32 size; /* of the bytes that follow */
};

/* Value of the map `processes`, whose key is the thread-group id. */
struct roar_process {
	__u32 run;
	__u32 foreign; /* it has mounts of its own, and this was said */
};

/* Value of the map `runs`, whose key is the slot of a run. */
struct roar_run {
	__u64 lost;      /* events for which there was no room */
	__u64 processes; /* alive */
};

/* The only value of the map `settings`. */
struct roar_settings {
	__u64 hash_table;  /* of the kernel's dentry cache; 0: not known */
	__u32 hash_shift;
	__u32 calibrating; /* thread-group id that wants ROAR_CALIBRATE; 0: none */
	__u32 only_user;   /* watch processes of this user alone; ~0: any */
	__u32 mount_ns;    /* of the collector */
	__u64 unread;      /* calls in flight whose path could not be read at their beginning */
};

_Static_assert(sizeof(struct roar_stat) == 48, "record.rs says so");
_Static_assert(sizeof(struct roar_event) == 144, "record.rs says so");
_Static_assert(sizeof(struct roar_part) == 8, "record.rs says so");
_Static_assert(sizeof(struct roar_process) == 8, "record.rs says so");
_Static_assert(sizeof(struct roar_run) == 16, "record.rs says so");
_Static_assert(sizeof(struct roar_settings) == 32, "record.rs says so");

#endif
