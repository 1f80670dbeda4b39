//: about = "an old file moved over another one, whose content nobody looked at"
//: reads = ["winner.txt"]
//: writes = ["loser.txt"]
//: [before]
//: "winner.txt" = "w"
//: "loser.txt" = "l"
#include "lib.h"

int main(void) { DO(rename("winner.txt", "loser.txt")); }
