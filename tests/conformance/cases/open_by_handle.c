//: about = "open_by_handle_at(2): files opened without a name"
//: needs = ["trial"]
//: reads = ["in.txt", "both.txt"]
//: writes = ["both.txt", "out.txt"]
//: [before]
//: "in.txt" = "in"
//: "both.txt" = "both"
//: "out.txt" = "out"
#include "lib.h"

static int by_handle(const char *name, int flags) {
  union {
    struct file_handle handle;
    char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  } box = {.handle.handle_bytes = MAX_HANDLE_SZ};
  int mount_id;
  DO(name_to_handle_at(AT_FDCWD, name, &box.handle, &mount_id, 0));
  int folder = DO(open(".", O_RDONLY | O_DIRECTORY));
  return DO(open_by_handle_at(folder, &box.handle, flags));
}

int main(void) {
  drain(by_handle("in.txt", O_RDONLY));
  DO(pwrite(by_handle("both.txt", O_RDWR), "B", 1, 0));
  say(by_handle("out.txt", O_WRONLY | O_TRUNC), "new");
}
