//: about = "truncate(2) makes files shorter and longer without opening them"
//: setup = "ln -s linked.bin link"
//: writes = ["shorter.bin", "longer.bin", "linked.bin"]
//: [before]
//: "shorter.bin" = "0123456789"
//: "longer.bin" = "0123456789"
//: "linked.bin" = "0123456789"
//: "refused.bin" = "0123456789"
#include "lib.h"

int main(void) {
  DO(truncate("shorter.bin", 3));
  DO(truncate("longer.bin", 100));
  DO(truncate("link", 0));
  REFUSED(truncate("refused.bin", -1), EINVAL);
  REFUSED(truncate("missing.bin", 0), ENOENT);
}
