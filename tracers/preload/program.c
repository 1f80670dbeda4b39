#include "program.h"

#include <elf.h>
#include <errno.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "ids.h"
#include "log.h"

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64, OTHER_MACHINE = EM_386 };
#else
enum { MACHINE = EM_AARCH64, OTHER_MACHINE = EM_ARM };
#endif

enum {
  HEAD = 4096,
  // Scripts that are interpreters of scripts; the kernel follows five.
  DEPTH = 5,
  // In a longer text, the bytes of a system call may be anything; and it is seldom that libraries were left out there.
  TEXT_MAX = 128 << 10,
};

struct image {
  int fd;
  long length;
  // Begin of the file.
  union {
    char bytes[HEAD];
    Elf64_Ehdr elf;
  };
};

static bool read_at(const struct image *image, void *into, size_t size, u64 offset) {
  if (offset + size <= (u64)image->length && offset < (u64)image->length) {
    copy(into, image->bytes + offset, size);
    return true;
  }
  return raw(SYS_pread64, image->fd, into, size, offset) == (long)size;
}

static bool program_header(const struct image *image, int index, Elf64_Phdr *header) {
  return read_at(image, header, sizeof *header, image->elf.e_phoff + (u64)index * sizeof *header);
}

static bool find_header(const struct image *image, u32 type, Elf64_Phdr *header) {
  for (int index = 0; index < image->elf.e_phnum; index++)
    if (program_header(image, index, header) && header->p_type == type) return true;
  return false;
}

// Go's linker puts a note into each of its programs; those that use C have a loader and still make their own calls.
static bool is_go(const struct image *image) {
  for (int index = 0; index < image->elf.e_phnum; index++) {
    Elf64_Phdr header;
    if (!program_header(image, index, &header) || header.p_type != PT_NOTE) continue;
    u64 end = header.p_offset + header.p_filesz;
    for (u64 at = header.p_offset; at + sizeof(Elf64_Nhdr) + 4 <= end;) {
      struct {
        Elf64_Nhdr note;
        char name[4];
      } part;
      if (!read_at(image, &part, sizeof part, at)) break;
      if (part.note.n_namesz == 4 && part.note.n_type == 4 && same_bytes(part.name, "Go\0", 4)) return true;
      at += sizeof part.note + ((part.note.n_namesz + 3) & ~3u) + (((u64)part.note.n_descsz + 3) & ~3ul);
    }
  }
  return false;
}

// --- system calls of its own ---------------------------------------------------------------------------------------------

#if defined(__x86_64__)
// Whether two bytes at `at` belong to other instructions: the low half of a distance that `mov` or `lea` has to data (REX,
// opcode, [rip + ...]), as in dd; the distance of a jump and the opcode of the `cmp` behind it, as in ln.
static bool is_chance(const u8 *text, long at, long length) {
  const u8 *here = text + at;
  if (here[1] == 0x80) return at >= 1 && (here[-1] & 0xf0) == 0x70 && (here[2] & 0xf8) == 0xf8;
  if (at < 3 || at + 3 >= length) return false;
  bool moves = (here[-3] & 0xfb) == 0x48 && (here[-2] == 0x8b || here[-2] == 0x8d || here[-2] == 0x89);
  return moves && (here[-1] & 0xc7) == 0x05 && (here[3] == 0x00 || here[3] == 0xff);
}

// `syscall` and `int 0x80`. What is followed by 00 or ff is rather a part of a distance or of a constant.
static bool has_calls(const u8 *text, long length) {
  const __m128i of_syscall = _mm_set1_epi8(0x05), of_interrupt = _mm_set1_epi8((char)0x80);
  for (long at = 0; at + 2 < length; at++) {
    // Sixteen second bytes at once.
    while (at + 17 < length) {
      __m128i bytes = _mm_loadu_si128((const __m128i *)(text + at + 1));
      if (_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, of_syscall), _mm_cmpeq_epi8(bytes, of_interrupt)))) break;
      at += 16;
    }
    bool call = (text[at] == 0x0f && text[at + 1] == 0x05) || (text[at] == 0xcd && text[at + 1] == 0x80);
    if (call && text[at + 2] != 0x00 && text[at + 2] != 0xff && !is_chance(text, at, length)) return true;
  }
  return false;
}
enum { OVERLAP = 6 };
#else
// `svc #0`; instructions are aligned.
static bool has_calls(const u8 *text, long length) {
  for (long at = 0; at + 4 <= length; at += 4)
    if (text[at] == 0x01 && text[at + 1] == 0x00 && text[at + 2] == 0x00 && text[at + 3] == 0xd4) return true;
  return false;
}
enum { OVERLAP = 0 };
#endif

static bool calls_by_itself(const struct image *image) {
  u8 text[16 << 10];
  for (int index = 0; index < image->elf.e_phnum; index++) {
    Elf64_Phdr header;
    if (!program_header(image, index, &header) || header.p_type != PT_LOAD || !(header.p_flags & PF_X)) continue;
    if (header.p_filesz > TEXT_MAX) continue;
    u64 at = header.p_offset, end = header.p_offset + header.p_filesz;
    while (at < end) {
      u64 wanted = end - at < sizeof text ? end - at : sizeof text;
      long length = raw(SYS_pread64, image->fd, text, wanted, at);
      if (length <= OVERLAP) break;
      if (has_calls(text, length)) return true;
      at += (u64)length - (at + (u64)length < end ? OVERLAP : 0);
    }
  }
  return false;
}

// --- sanitizers ------------------------------------------------------------------------------------------------------------

static bool offset_of(const struct image *image, u64 address, u64 *offset) {
  for (int index = 0; index < image->elf.e_phnum; index++) {
    Elf64_Phdr header;
    if (!program_header(image, index, &header) || header.p_type != PT_LOAD) continue;
    if (address < header.p_vaddr || address >= header.p_vaddr + header.p_filesz) continue;
    *offset = address - header.p_vaddr + header.p_offset;
    return true;
  }
  return false;
}

static bool is_sanitizer(const char *library) {
  static const char *const RUNTIMES[] = {"libasan.so", "libtsan.so", "liblsan.so", "libhwasan.so", "libclang_rt."};
  for (size_t at = 0; at < sizeof RUNTIMES / sizeof *RUNTIMES; at++)
    if (starts_with(library, RUNTIMES[at])) return true;
  return false;
}

// The runtime of a sanitizer refuses to work when another library comes before it.
static void find_first_library(const struct image *image, struct program *program) {
  Elf64_Phdr dynamic;
  Elf64_Dyn entries[128];
  u64 strings = 0;
  if (!find_header(image, PT_DYNAMIC, &dynamic)) return;
  u64 size = dynamic.p_filesz < sizeof entries ? dynamic.p_filesz : sizeof entries;
  if (!read_at(image, entries, size, dynamic.p_offset)) return;
  size_t count = size / sizeof *entries;
  for (size_t at = 0; at < count && !strings; at++)
    if (entries[at].d_tag == DT_STRTAB && !offset_of(image, entries[at].d_un.d_ptr, &strings)) return;
  for (size_t at = 0; at < count && entries[at].d_tag != DT_NULL; at++) {
    char name[sizeof program->first_library];
    if (entries[at].d_tag != DT_NEEDED) continue;
    long length = raw(SYS_pread64, image->fd, name, sizeof name - 1, strings + entries[at].d_un.d_val);
    if (length < 3) continue;
    name[length] = 0;
    if (!is_sanitizer(name) || length_of(name) == sizeof name - 1) continue;
    put_text(program->first_library, name);
    return;
  }
}

// --- rights ----------------------------------------------------------------------------------------------------------------

static bool has_capabilities(int fd) {
  char value[64];
  return raw(SYS_fgetxattr, fd, "security.capability", value, sizeof value) > 0;
}

static bool runs_as_another(const struct image *image) {
  struct stat stat;
  struct ids ids;
  if (raw_fstat(image->fd, &stat) < 0) return false;
  ids_now(&ids);
  if (ids.euid != ids.uid || ids.egid != ids.gid) return true;
  if (stat.st_mode & S_ISUID && stat.st_uid != ids.euid) return true;
  if ((stat.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && stat.st_gid != ids.egid) return true;
  return ids.euid != 0 && has_capabilities(image->fd);
}

// --- the whole ---------------------------------------------------------------------------------------------------------------

static enum program_kind kind_of(const struct image *image, struct program *program) {
  const Elf64_Ehdr *elf = &image->elf;
  Elf64_Phdr header;
  if (image->length < (long)sizeof(Elf32_Ehdr) || !same_bytes(elf->e_ident, ELFMAG, SELFMAG)) return PROGRAM_TEXT;
  if (runs_as_another(image)) return PROGRAM_PRIVILEGED;
  // e_machine is at one place in both classes.
  if (elf->e_ident[EI_CLASS] != ELFCLASS64)
    return elf->e_machine == OTHER_MACHINE || elf->e_machine == MACHINE ? PROGRAM_OPAQUE : PROGRAM_FOREIGN;
  if (elf->e_machine != MACHINE || image->length < (long)sizeof *elf || elf->e_phentsize != sizeof header) return PROGRAM_FOREIGN;
  if (!find_header(image, PT_INTERP, &header) || is_go(image) || calls_by_itself(image)) return PROGRAM_OPAQUE;
  find_first_library(image, program);
  return PROGRAM_DYNAMIC;
}

// The interpreter of a script, NUL-terminated in its head. Null: this is none.
static const char *interpreter_of(struct image *image) {
  if (image->length < 3 || image->bytes[0] != '#' || image->bytes[1] != '!') return NULL;
  char *end = image->bytes + (image->length < HEAD ? image->length : HEAD - 1), *at = image->bytes + 2;
  while (at < end && (*at == ' ' || *at == '\t')) at++;
  char *name = at;
  while (at < end && *at != ' ' && *at != '\t' && *at != '\n' && *at) at++;
  *at = 0;
  return at > name ? name : NULL;
}

static bool inspect_once(int dirfd, const char *path, struct program *program, char *interpreter) {
  struct image image;
  bool by_descriptor = !path[0];
  if (by_descriptor) {
    // A descriptor may be one of O_PATH, which cannot be read.
    char link[40];
    put_number(put_text(link, "/proc/self/fd/"), (u64)dirfd);
    image.fd = (int)raw_open(link, O_RDONLY);
  } else {
    image.fd = (int)raw(SYS_openat, dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  }
  if (image.fd < 0) {
    // Not allowed, or no descriptor is free.
    bool executable = by_descriptor || raw(SYS_faccessat, dirfd, path, X_OK) == 0;
    program->kind = executable ? PROGRAM_UNREADABLE : PROGRAM_UNKNOWN;
    return false;
  }
  image.length = raw(SYS_pread64, image.fd, image.bytes, HEAD, 0);
  const char *next = interpreter_of(&image);
  if (next && length_of(next) < 256) put_text(interpreter, next);
  else program->kind = kind_of(&image, program);
  raw_close(image.fd);
  return next != NULL;
}

void program_inspect(int dirfd, const char *path, struct program *program) {
  char interpreter[256];
  struct stat stat;
  program->kind = PROGRAM_UNKNOWN;
  program->first_library[0] = 0;
  // The kernel finds out whether the name can be read at all; special files are not to be opened.
  if (raw_stat(dirfd, path, &stat, AT_EMPTY_PATH) < 0 || !S_ISREG(stat.st_mode)) return;
  // What almost every program is: dynamic, no script, nothing special. All processes of the run know it then.
  struct ids ids;
  ids_now(&ids);
  u64 hash = hash_stat(hash_word(ids.euid, ids.egid) + (ids.euid != ids.uid) + (ids.egid != ids.gid), &stat);
  if (log_is_mapped() && shared_knows(hash)) {
    program->kind = PROGRAM_DYNAMIC;
    return;
  }
  for (int depth = 0; depth < DEPTH; depth++) {
    if (inspect_once(depth ? AT_FDCWD : dirfd, depth ? interpreter : path, program, interpreter)) continue;
    bool usual = depth == 0 && program->kind == PROGRAM_DYNAMIC && !program->first_library[0];
    if (usual && log_is_mapped()) shared_remember(hash);
    return;
  }
}
