//: about = "O_TMPFILE, linked to a temporary name, renamed over the file that was read"
//: needs = ["trial"]
//: reads = ["state.json"]
//: writes = ["state.json"]
//: [before]
//: "state.json" = "{\"step\": 1}"
#include "lib.h"

int main(void) {
  get("state.json");
  int fd = DO(open(".", O_TMPFILE | O_WRONLY, 0644));
  say(fd, "{\"step\": 2}");
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  DO(linkat(AT_FDCWD, link, AT_FDCWD, ".state.json.tmp", AT_SYMLINK_FOLLOW));
  DO(rename(".state.json.tmp", "state.json"));
}
