//: about = "read, removed, made anew under the same name"
//: reads = ["cache.bin"]
//: writes = ["cache.bin"]
//: [before]
//: "cache.bin" = "stale"
#include "lib.h"

int main(void) {
  get("cache.bin");
  DO(unlink("cache.bin"));
  put("cache.bin", "fresh");
  get("cache.bin");
}
