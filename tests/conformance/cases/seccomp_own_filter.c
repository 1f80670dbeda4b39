//: about = "a program that puts itself behind a filter: one call is refused, the others are seen as before"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

int main(void) {
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_truncate, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog whole = {sizeof program / sizeof *program, program};
  DO(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  DO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &whole));
  REFUSED(truncate("in.txt", 0), EPERM);
  get("in.txt");
  put("out.part", "2");
  REFUSED(syscall(SYS_renameat2, AT_FDCWD, "in.txt", AT_FDCWD, "other.txt", 0), ENOSYS);
  DO(rename("out.part", "out.txt"));
}
