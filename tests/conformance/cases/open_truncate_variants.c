//: about = "O_TRUNC with every access mode, with and without writing after it"
//: writes = ["write_only.txt", "read_only.txt", "same_bytes.txt", "born.txt"]
//: [before]
//: "write_only.txt" = "long content"
//: "read_only.txt" = "long content"
//: "same_bytes.txt" = "the same"
#include "lib.h"

int main(void) {
  DO(close(DO(open("write_only.txt", O_WRONLY | O_TRUNC))));
  drain(DO(open("read_only.txt", O_RDONLY | O_TRUNC)));
  put("same_bytes.txt", "the same");
  DO(close(DO(open("born.txt", O_RDONLY | O_CREAT | O_TRUNC, 0644))));
}
