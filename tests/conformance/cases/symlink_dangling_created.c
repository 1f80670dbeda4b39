//: about = "O_CREAT through links that lead nowhere makes their target; with O_EXCL it is refused"
//: setup = "mkdir real; ln -s real/made.txt link; ln -s link chain; ln -s real/other.txt guarded"
//: writes = ["real/made.txt"]
#include "lib.h"

int main(void) {
  put("chain", "made at the end of the chain");
  REFUSED(open("guarded", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
}
