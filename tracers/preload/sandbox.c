#include "sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "event.h"
#include "files.h"
#include "process.h"

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#else
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

static u32 arithmetic(uint16_t operation, u32 a, u32 value) {
  switch (operation) {
    case BPF_ADD: return a + value;
    case BPF_SUB: return a - value;
    case BPF_MUL: return a * value;
    case BPF_DIV: return value ? a / value : 0;
    case BPF_OR: return a | value;
    case BPF_AND: return a & value;
    case BPF_XOR: return a ^ value;
    case BPF_LSH: return value < 32 ? a << value : 0;
    case BPF_RSH: return value < 32 ? a >> value : 0;
    default: return -a;
  }
}

static bool jumps(uint16_t condition, u32 a, u32 value) {
  switch (condition) {
    case BPF_JEQ: return a == value;
    case BPF_JGT: return a > value;
    case BPF_JGE: return a >= value;
    default: return a & value;
  }
}

// What the kernel would answer. The program has not been checked by it yet.
static u32 verdict(const struct sock_fprog *program, const struct seccomp_data *data) {
  u32 a = 0, x = 0, memory[BPF_MEMWORDS] = {0};
  for (u32 at = 0; at < program->len; at++) {
    const struct sock_filter *step = &program->filter[at];
    u32 value = step->code & BPF_X ? x : step->k, offset = step->k;
    switch (BPF_CLASS(step->code)) {
      case BPF_LD:
        if (BPF_MODE(step->code) == BPF_ABS && offset <= sizeof *data - 4) __builtin_memcpy(&a, (const u8 *)data + offset, 4);
        else if (BPF_MODE(step->code) == BPF_MEM) a = memory[offset % BPF_MEMWORDS];
        else a = BPF_MODE(step->code) == BPF_IMM ? offset : (u32)sizeof *data;
        break;
      case BPF_LDX:
        if (BPF_MODE(step->code) == BPF_MEM) x = memory[offset % BPF_MEMWORDS];
        else x = BPF_MODE(step->code) == BPF_IMM ? offset : (u32)sizeof *data;
        break;
      case BPF_ST:
        memory[offset % BPF_MEMWORDS] = a;
        break;
      case BPF_STX:
        memory[offset % BPF_MEMWORDS] = x;
        break;
      case BPF_ALU:
        a = arithmetic(BPF_OP(step->code), a, value);
        break;
      case BPF_JMP:
        if (BPF_OP(step->code) == BPF_JA) at += offset;
        else at += jumps(BPF_OP(step->code), a, value) ? step->jt : step->jf;
        break;
      case BPF_RET:
        return BPF_RVAL(step->code) == BPF_A ? a : offset;
      default:
        if (BPF_MISCOP(step->code) == BPF_TAX) x = a;
        else a = x;
    }
  }
  return SECCOMP_RET_KILL_PROCESS;
}

static bool survives(const struct sock_fprog *program) {
  static const int CALLS[] = {SYS_newfstatat, SYS_fstat, SYS_readlinkat, SYS_getcwd, SYS_getpid, SYS_openat, SYS_close, SYS_mmap,
                              SYS_fallocate, SYS_prlimit64, SYS_pread64};
  for (size_t at = 0; at < sizeof CALLS / sizeof *CALLS; at++) {
    struct seccomp_data data = {.nr = CALLS[at], .arch = THIS_ARCH};
    u32 action = verdict(program, &data) & SECCOMP_RET_ACTION_FULL;
    if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG && action != SECCOMP_RET_ERRNO) return false;
  }
  return true;
}

void before_filter(const void *program) {
  struct stat probe;
  if (!watching()) return;
  never_open_plainly();
  if (program) {
    // Readable at all?
    struct sock_fprog copied;
    if (raw_stat(AT_FDCWD, program, &probe, 0) == -EFAULT) return;
    copy(&copied, program, sizeof copied);
    if (!copied.filter || raw_stat(AT_FDCWD, (const char *)copied.filter, &probe, 0) == -EFAULT || survives(&copied)) return;
  }
  event_warning("process-unseen", " puts itself behind a seccomp filter that allows the shim nothing: what it does is not seen",
                NULL, "");
  process_is_left_alone();
}
