//: about = "two hundred processes that live for one small file each"
//: writes = ["p{000..199}"]
#include "lib.h"

int main(void) {
  for (int i = 0; i < 200; i++) {
    pid_t child = DO(fork());
    if (child == 0) {
      char name[16];
      snprintf(name, sizeof name, "p%03d", i);
      put(name, name);
      _exit(0);
    }
    if (i % 20 == 19)
      while (wait(NULL) > 0) {
      }
  }
}
