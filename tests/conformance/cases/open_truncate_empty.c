//: about = "cutting a file that is empty already sets its mtime: the job made it anew"
//: writes = ["marker"]
//: [before]
//: "marker" = ""
#include "lib.h"

int main(void) { DO(close(DO(creat("marker", 0644)))); }
