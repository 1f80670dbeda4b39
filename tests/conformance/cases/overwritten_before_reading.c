//: about = "cut and written by the job, then read: its own content; patched and then read: the rest was there before"
//: reads = ["patched.txt"]
//: writes = ["cut.txt", "patched.txt"]
//: [before]
//: "cut.txt" = "0123456789"
//: "patched.txt" = "0123456789"
#include "lib.h"

int main(void) {
  put("cut.txt", "abcdefghij");
  get("cut.txt");
  DO(pwrite(DO(open("patched.txt", O_WRONLY)), "X", 1, 0));
  get("patched.txt");
}
