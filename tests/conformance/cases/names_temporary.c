//: about = "mkstemp, mkostemps, mkdtemp and tmpfile: kept, renamed, removed, never named"
//: writes = ["result.txt", "kept/inside.txt"]
#include "lib.h"

int main(void) {
  char one[] = "one.XXXXXX", two[] = "two.XXXXXX.log", folder[] = "dir.XXXXXX";
  say(DO(mkstemp(one)), "1");
  DO(rename(one, "result.txt"));
  say(DO(mkostemps(two, 4, O_APPEND)), "2");
  DO(unlink(two));
  DO(mkdtemp(folder) ? 0 : -1);
  DO(chdir(folder));
  put("inside.txt", "3");
  DO(chdir(".."));
  DO(rename(folder, "kept"));
  FILE *never = tmpfile();
  DO(never ? fputs("4", never) : -1);
  DO(fclose(never));
}
