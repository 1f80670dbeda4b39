//: about = "outputs that nobody may open any more"
//: writes = ["sealed.bin", "born_sealed.bin"]
#include "lib.h"

int main(void) {
  put("sealed.bin", "s");
  DO(chmod("sealed.bin", 0));
  say(DO(open("born_sealed.bin", O_WRONLY | O_CREAT | O_EXCL, 0)), "b");
}
