//: about = "opens that fail leave no trace, however near they came"
//: setup = "mkdir folder; ln -s missing dangling"
//: [before]
//: "file.txt" = "f"
#include "lib.h"

int main(void) {
  REFUSED(open("nowhere.txt", O_RDONLY), ENOENT);
  REFUSED(open("dangling", O_RDWR), ENOENT);
  REFUSED(open("folder", O_WRONLY), EISDIR);
  REFUSED(open("file.txt/below", O_RDONLY), ENOTDIR);
  REFUSED(open("file.txt", O_RDONLY | O_DIRECTORY), ENOTDIR);
  REFUSED(open("folder/none/x.txt", O_WRONLY | O_CREAT, 0644), ENOENT);
  REFUSED(open((const char *)1, O_RDONLY), EFAULT);
  REFUSED(openat(999, "file.txt", O_RDONLY), EBADF);
  struct stat found;
  DO(stat("file.txt", &found));
  DO(access("file.txt", R_OK | W_OK));
}
