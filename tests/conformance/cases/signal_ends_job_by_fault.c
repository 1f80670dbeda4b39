//: about = "the command dies of its own fault, by SIGSEGV"
//: signal = "SIGSEGV"
//: writes = ["out.txt"]
#include "lib.h"
#include <sys/resource.h>

int main(void) {
  DO(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}));
  put("out.txt", "1");
  volatile int *volatile nowhere = NULL;
  *nowhere = 1;
}
