//: about = "a chain of sixty generations; every tenth makes a file, the last one reads"
//: reads = ["in.txt"]
//: writes = ["g{1..6}0"]
//: [before]
//: "in.txt" = "read by the youngest"
#include "lib.h"

static void generation(int number) {
  if (number % 10 == 0) {
    char name[16];
    snprintf(name, sizeof name, "g%d", number);
    put(name, name);
  }
  if (number == 60) {
    get("in.txt");
    return;
  }
  pid_t child = DO(fork());
  if (child == 0) {
    generation(number + 1);
    _exit(0);
  }
  reap(child);
}

int main(void) { generation(1); }
