//: about = "sendfile(2), splice(2) and tee(2) move content that no read(2) ever sees"
//: reads = ["a.txt", "b.txt"]
//: writes = ["a_copy.txt", "b_copy.txt", "b_teed.txt"]
//: [before]
//: "a.txt" = "first"
//: "b.txt" = "second"
#include "lib.h"
#include <sys/sendfile.h>

int main(void) {
  int one[2], two[2];
  int a = DO(open("a.txt", O_RDONLY)), b = DO(open("b.txt", O_RDONLY));
  DO(sendfile(DO(open("a_copy.txt", O_WRONLY | O_CREAT, 0644)), a, NULL, 100));
  DO(pipe(one));
  DO(pipe(two));
  DO(splice(b, NULL, one[1], NULL, 6, 0));
  DO(tee(one[0], two[1], 6, 0));
  DO(splice(one[0], NULL, DO(open("b_copy.txt", O_WRONLY | O_CREAT, 0644)), NULL, 6, 0));
  DO(splice(two[0], NULL, DO(open("b_teed.txt", O_WRONLY | O_CREAT, 0644)), NULL, 6, 0));
}
