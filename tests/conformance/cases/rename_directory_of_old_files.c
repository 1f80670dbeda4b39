//: about = "a directory from before gets another name: everything in it was moved"
//: setup = "ln -s a.txt raw/link; mkdir raw/empty"
//: reads = ["raw/a.txt", "raw/deep/b.txt", "raw/deep/er/c.txt"]
//: writes = ["cooked/a.txt", "cooked/deep/b.txt", "cooked/deep/er/c.txt"]
//: [before]
//: "raw/a.txt" = "1"
//: "raw/deep/b.txt" = "2"
//: "raw/deep/er/c.txt" = "3"
#include "lib.h"

int main(void) { DO(rename("raw", "cooked")); }
