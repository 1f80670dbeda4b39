//: about = "a program behind a filter that kills it for any call but its own few: it must live"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [blind]
//: preload = "process-unseen"
//: [before]
//: "in.txt" = "1"
#include "lib.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

int main(void) {
  const int allowed[] = {SYS_openat, SYS_read, SYS_write, SYS_close, SYS_exit_group};
  struct sock_filter program[16] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  unsigned short length = 1, calls = sizeof allowed / sizeof *allowed;
  for (unsigned short at = 0; at < calls; at++)
    program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[at], calls - at, 0);
  program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog whole = {length, program};
  DO(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  DO(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole));
  get("in.txt");
  put("out.txt", "2");
}
