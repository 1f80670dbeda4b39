//: about = "a 64-bit program that makes 32-bit system calls"
//: needs = ["machine:x86_64", "trial"]
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"

// Memory that 32-bit addresses reach.
static char *low;

static long int80(long number, const char *name, long second, long third) {
  long result;
  strcpy(low, name);
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(low), "c"(second), "d"(third) : "memory");
  errno = result < 0 ? (int)-result : 0;
  return result < 0 ? -1 : result;
}

int main(void) {
  low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  DO(low == MAP_FAILED ? -1 : 0);
  drain(DO(int80(5, "in.txt", O_RDONLY, 0)));
  say(DO(int80(5, "out.txt", O_WRONLY | O_CREAT, 0644)), "2");
}
