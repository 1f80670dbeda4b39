// Experimental, and never run: an interposer for macOS, which writes the shared log of TRACE_FORMAT.md as the shim does.
//
// In C, as it is loaded into every program. dyld replaces the functions in the table at the end, in this image excepted, so a
// hook calls the real one by its name. A hook never allocates, locks or prints, and keeps errno. What it does not do, and what
// it cannot see, is in README.md.
#include <errno.h>
#include <fcntl.h>
#include <mach/mach_time.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// --- the log, TRACE_FORMAT.md, section 2 --------------------------------------------------------------------------------------

struct header {
	char magic[8];
	uint32_t version, flags;
	uint64_t start_ns;
	_Atomic uint64_t tail, lost;
	uint64_t size, zero[2];
};
_Static_assert(sizeof(struct header) == 64, "TRACE_FORMAT.md, section 2");

enum { FRAME_MAX = 3 * MAXPATHLEN, FRAME_HEADER = 24, KIND_OPEN = 4, KIND_RENAME = 5, KIND_UNLINK = 7 };

// Null: nobody asked for a record, or its log cannot be reached.
static struct header *header;

__attribute__((constructor)) static void join(void)
{
	const char *path = getenv("ROAR_INTERPOSE_LOG");
	struct stat stat;
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	if (fstat(fd, &stat) == 0 && stat.st_size > (off_t)sizeof *header) {
		void *mapped = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (mapped != MAP_FAILED && memcmp(mapped, "ROARTRAC", 8) == 0)
			header = mapped;
	}
	close(fd);
}

static uint32_t crc_of(const uint8_t *bytes, size_t count)
{
	uint32_t crc = ~0U;
	for (; count; count--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xEDB88320U & -(crc & 1));
	}
	return ~crc;
}

// A frame is taken by its length word, and becomes valid by its CRC, which is written last.
static void append(uint8_t *frame, size_t length)
{
	length = (length + 7) & ~(size_t)7;
	for (uint64_t at = atomic_load(&header->tail); at + length <= header->size;) {
		_Atomic uint32_t *word = (_Atomic uint32_t *)((uint8_t *)header + at);
		uint32_t taken = 0;
		if (atomic_compare_exchange_strong(word, &taken, (uint32_t)length)) {
			memcpy((uint8_t *)word + 8, frame + 8, length - 8);
			atomic_store(word + 1, crc_of(frame + 8, length - 8));
			atomic_store(&header->tail, at + length);
			return;
		}
		at += taken;
	}
	atomic_fetch_add(&header->lost, 1);
}

// --- events, section 3 --------------------------------------------------------------------------------------------------------

// Zeros at its end are the padding.
struct frame {
	uint8_t bytes[FRAME_MAX];
	size_t length;
};

static void put(struct frame *frame, const void *value, size_t size)
{
	memcpy(frame->bytes + frame->length, value, size);
	frame->length += size;
}

static void put_u64(struct frame *frame, uint64_t value) { put(frame, &value, sizeof value); }
static void put_u32(struct frame *frame, uint32_t value) { put(frame, &value, sizeof value); }

static void put_path(struct frame *frame, const char *path)
{
	size_t length = strnlen(path, MAXPATHLEN - 1);
	put_u32(frame, (uint32_t)length);
	put(frame, path, length);
}

static uint64_t nanoseconds(struct timespec time) { return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec; }

static void put_stat(struct frame *frame, const struct stat *stat)
{
	put_u64(frame, (uint64_t)(uint32_t)stat->st_dev);
	put_u64(frame, stat->st_ino);
	put_u64(frame, (uint64_t)stat->st_size);
	put_u64(frame, nanoseconds(stat->st_mtimespec));
	put_u64(frame, nanoseconds(stat->st_ctimespec));
	put_u64(frame, stat->st_mode);
}

// `stat` may be null: there was nothing.
static void put_optional(struct frame *frame, const struct stat *stat)
{
	uint8_t there = stat != NULL;
	put(frame, &there, 1);
	if (stat)
		put_stat(frame, stat);
}

static void begin(struct frame *frame, uint8_t kind)
{
	memset(frame, 0, sizeof *frame);
	frame->bytes[8] = kind;
	frame->length = 12;
	put_u32(frame, (uint32_t)getpid());
	put_u64(frame, clock_gettime_nsec_np(CLOCK_MONOTONIC) - header->start_ns);
}

// Flags of open(2) as x86-64 Linux numbers them.
static uint32_t portable(int flags)
{
	uint32_t found = (uint32_t)(flags & O_ACCMODE);
	found |= flags & O_CREAT ? 0100 : 0;
	found |= flags & O_EXCL ? 0200 : 0;
	found |= flags & O_TRUNC ? 01000 : 0;
	return found | (flags & O_APPEND ? 02000 : 0);
}

static void tell_open(int fd, int flags, const struct stat *before)
{
	struct stat stat;
	struct frame frame;
	char path[MAXPATHLEN];
	if (fstat(fd, &stat) || !S_ISREG(stat.st_mode) || fcntl(fd, F_GETPATH, path) < 0)
		return;
	begin(&frame, KIND_OPEN);
	put_u32(&frame, portable(flags));
	put_path(&frame, path);
	put_stat(&frame, &stat);
	put_optional(&frame, before);
	append(frame.bytes, frame.length);
}

// --- hooks --------------------------------------------------------------------------------------------------------------------

// The name with its directory resolved; false when that is not there.
static bool resolve(int directory, const char *name, char *path)
{
	char top[MAXPATHLEN], parent[MAXPATHLEN];
	const char *last = strrchr(name, '/');
	int length = last ? (int)(last - name) + 1 : 1;
	snprintf(parent, sizeof parent, "%.*s", length, last ? name : ".");
	int fd = openat(directory, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool found = fcntl(fd, F_GETPATH, top) == 0;
	close(fd);
	return found && snprintf(path, MAXPATHLEN, "%s/%s", top[1] ? top : "", last ? last + 1 : name) < MAXPATHLEN;
}

static int opened(int directory, const char *path, int flags, mode_t mode)
{
	struct stat before;
	int error = errno;
	bool changes = header && flags & (O_ACCMODE | O_CREAT | O_TRUNC);
	bool was = changes && fstatat(directory, path, &before, 0) == 0;
	errno = error;
	int fd = openat(directory, path, flags, mode);
	error = errno;
	if (header && fd >= 0)
		tell_open(fd, flags, was ? &before : NULL);
	errno = error;
	return fd;
}

// int open(const char *path, int flags, ...)
static int hook_open(const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & O_CREAT ? (mode_t)va_arg(rest, int) : 0;
	va_end(rest);
	return opened(AT_FDCWD, path, flags, mode);
}

// int openat(int directory, const char *path, int flags, ...)
static int hook_openat(int directory, const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & O_CREAT ? (mode_t)va_arg(rest, int) : 0;
	va_end(rest);
	return opened(directory, path, flags, mode);
}

// FILE *fopen(const char *path, const char *mode)
static FILE *hook_fopen(const char *path, const char *mode)
{
	struct stat before;
	int error = errno, kind = mode[0], both = strchr(mode, '+') != NULL;
	bool was = header && (kind != 'r' || both) && stat(path, &before) == 0;
	int flags = both ? O_RDWR : kind == 'r' ? O_RDONLY : O_WRONLY;
	flags |= kind == 'w' ? O_CREAT | O_TRUNC : kind == 'a' ? O_CREAT | O_APPEND : 0;
	errno = error;
	FILE *file = fopen(path, mode);
	error = errno;
	if (header && file)
		tell_open(fileno(file), flags, was ? &before : NULL);
	errno = error;
	return file;
}

// int rename(const char *from, const char *to)
static int hook_rename(const char *from, const char *to)
{
	struct stat moved, replaced;
	char old[MAXPATHLEN], new[MAXPATHLEN];
	int error = errno;
	bool known = header && lstat(from, &moved) == 0 && resolve(AT_FDCWD, from, old) && resolve(AT_FDCWD, to, new);
	bool was = known && lstat(to, &replaced) == 0;
	errno = error;
	int result = rename(from, to);
	error = errno;
	if (result == 0 && known) {
		struct frame frame;
		begin(&frame, KIND_RENAME);
		put_u32(&frame, 0);
		put_path(&frame, old);
		put_path(&frame, new);
		put_stat(&frame, &moved);
		put_optional(&frame, was ? &replaced : NULL);
		append(frame.bytes, frame.length);
	}
	errno = error;
	return result;
}

// int unlink(const char *path)
static int hook_unlink(const char *path)
{
	struct stat stat;
	char name[MAXPATHLEN];
	int error = errno;
	bool known = header && lstat(path, &stat) == 0 && S_ISREG(stat.st_mode) && resolve(AT_FDCWD, path, name);
	errno = error;
	int result = unlink(path);
	error = errno;
	if (result == 0 && known) {
		struct frame frame;
		begin(&frame, KIND_UNLINK);
		put_path(&frame, name);
		put_stat(&frame, &stat);
		append(frame.bytes, frame.length);
	}
	errno = error;
	return result;
}

struct interposition {
	const void *ours, *theirs;
};

__attribute__((used, section("__DATA,__interpose"))) static const struct interposition table[] = {
	{ (const void *)hook_open, (const void *)open },     { (const void *)hook_openat, (const void *)openat },
	{ (const void *)hook_fopen, (const void *)fopen },   { (const void *)hook_rename, (const void *)rename },
	{ (const void *)hook_unlink, (const void *)unlink },
};
