//: about = "exchange, then the old content is removed: only the new one is left"
//: reads = ["live.db"]
//: writes = ["live.db"]
//: [before]
//: "live.db" = "old"
#include "lib.h"

int main(void) {
  put("next.db", "new one");
  DO(renameat2(AT_FDCWD, "next.db", AT_FDCWD, "live.db", RENAME_EXCHANGE));
  DO(unlink("next.db"));
}
