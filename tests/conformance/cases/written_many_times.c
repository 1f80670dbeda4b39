//: about = "a status file is written over and over; its last content counts"
//: writes = ["status.txt", "grown.txt"]
#include "lib.h"

int main(void) {
  char text[32];
  for (int step = 0; step < 50; step++) {
    snprintf(text, sizeof text, "step %d\n", step);
    put("status.txt", text);
    add("grown.txt", text);
  }
}
