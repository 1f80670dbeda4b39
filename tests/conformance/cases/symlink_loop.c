//: about = "links that lead to themselves fail, and so does the job, with what it wrote before"
//: setup = "ln -s b a; ln -s a b"
//: exit = 40
//: writes = ["before.txt"]
#include "lib.h"

int main(void) {
  put("before.txt", "1");
  REFUSED(open("a", O_RDONLY), ELOOP);
  REFUSED(open("a", O_WRONLY | O_CREAT, 0644), ELOOP);
  return errno;
}
