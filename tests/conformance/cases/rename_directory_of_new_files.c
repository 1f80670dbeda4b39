//: about = "a result is built in a directory of its own, which is published by rename, over an empty one"
//: setup = "mkdir result"
//: writes = ["result/a.txt", "result/deep/b.txt"]
#include "lib.h"

int main(void) {
  DO(mkdir(".building", 0755));
  DO(mkdir(".building/deep", 0755));
  put(".building/a.txt", "1");
  put(".building/deep/b.txt", "2");
  put(".building/scratch", "3");
  DO(unlink(".building/scratch"));
  DO(rename(".building", "result"));
}
