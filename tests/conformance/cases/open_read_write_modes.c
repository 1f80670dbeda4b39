//: about = "O_RDWR of empty and filled files, changed and not"
//: reads = ["filled_same.bin", "filled_changed.bin"]
//: writes = ["filled_changed.bin", "empty_changed.bin", "cut.bin"]
//: [before]
//: "filled_same.bin" = "0123"
//: "filled_changed.bin" = "0123"
//: "empty_same.bin" = ""
//: "empty_changed.bin" = ""
//: "cut.bin" = "0123"
#include "lib.h"

int main(void) {
  drain(DO(open("filled_same.bin", O_RDWR)));
  DO(pwrite(DO(open("filled_changed.bin", O_RDWR)), "XY", 2, 1));
  drain(DO(open("empty_same.bin", O_RDWR | O_CREAT, 0644)));
  int empty = DO(open("empty_changed.bin", O_RDWR));
  say(empty, "now filled");
  DO(lseek(empty, 0, SEEK_SET));
  drain(empty);
  int cut = DO(open("cut.bin", O_RDWR | O_TRUNC));
  say(cut, "other");
  DO(lseek(cut, 0, SEEK_SET));
  drain(cut);
}
