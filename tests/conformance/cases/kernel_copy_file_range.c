//: about = "copy_file_range(2): a whole file, a part into the middle of another"
//: reads = ["from.txt"]
//: writes = ["copy.txt", "patched.txt"]
//: [before]
//: "from.txt" = "0123456789"
//: "patched.txt" = "abcdefghij"
#include "lib.h"

int main(void) {
  int from = DO(open("from.txt", O_RDONLY)), copy = DO(open("copy.txt", O_WRONLY | O_CREAT, 0644));
  DO(copy_file_range(from, NULL, copy, NULL, 10, 0));
  off_t start = 2, middle = 4;
  DO(copy_file_range(from, &start, DO(open("patched.txt", O_WRONLY)), &middle, 3, 0));
}
