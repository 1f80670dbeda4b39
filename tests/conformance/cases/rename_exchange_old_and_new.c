//: about = "RENAME_EXCHANGE of a file from before with one that the job made"
//: reads = ["live.db"]
//: writes = ["live.db", "next.db"]
//: [before]
//: "live.db" = "old"
#include "lib.h"

int main(void) {
  put("next.db", "new one");
  DO(renameat2(AT_FDCWD, "live.db", AT_FDCWD, "next.db", RENAME_EXCHANGE));
  get("live.db");
}
