//: about = "removed and made anew, several times, never read before"
//: writes = ["cache.bin"]
//: [before]
//: "cache.bin" = "stale"
#include "lib.h"

int main(void) {
  for (int round = 0; round < 4; round++) {
    DO(unlink("cache.bin"));
    put("cache.bin", "fresh");
    get("cache.bin");
  }
}
