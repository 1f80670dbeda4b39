//: about = "two thousand files: a thousand read, each made into another one"
//: setup = "for i in $(seq -w 0 999); do echo $i > in$i; done"
//: reads = ["in{000..999}"]
//: writes = ["out{000..999}"]
#include "lib.h"

int main(void) {
  char name[16], text[16];
  for (int i = 0; i < 1000; i++) {
    snprintf(name, sizeof name, "in%03d", i);
    get(name);
    snprintf(text, sizeof text, "%d", i * i);
    snprintf(name, sizeof name, "out%03d", i);
    put(name, text);
  }
}
