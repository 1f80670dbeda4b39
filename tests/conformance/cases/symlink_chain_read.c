//: about = "a chain of relative and absolute links over directories: the target's path counts"
//: setup = "ln -s b/two one; mkdir b c; ln -s \"$PWD/c/three\" b/two; ln -s ../d c/three; ln -s e/target.txt d"
//: reads = ["e/target.txt"]
//: [before]
//: "e/target.txt" = "t"
#include "lib.h"

int main(void) { get("one"); }
