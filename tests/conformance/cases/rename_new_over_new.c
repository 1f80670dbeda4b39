//: about = "the job's own files replace each other; then one of them is moved out of sight"
//: writes = ["final.bin"]
#include "lib.h"

int main(void) {
  for (int round = 0; round < 5; round++) {
    char text[16];
    snprintf(text, sizeof text, "round %d", round);
    put("final.bin.tmp", text);
    DO(rename("final.bin.tmp", "final.bin"));
  }
  put("extra.bin", "not kept");
  DO(rename("extra.bin", "extra.old"));
  DO(unlink("extra.old"));
}
