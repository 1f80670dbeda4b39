//: about = "system calls by their instruction, past every library"
//: needs = ["machine:x86_64"]
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"

static long raw(long number, long first, long second, long third, long fourth) {
  register long r10 __asm__("r10") = fourth;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}

int main(void) {
  char byte;
  long in = raw(SYS_open, (long)"in.txt", O_RDONLY, 0, 0);
  raw(SYS_read, in, (long)&byte, 1, 0);
  long out = raw(SYS_openat, AT_FDCWD, (long)"out.part", O_WRONLY | O_CREAT, 0644);
  raw(SYS_write, out, (long)"2", 1, 0);
  return (int)-raw(SYS_rename, (long)"out.part", (long)"out.txt", 0, 0);
}
