//: about = "freopen(3): stdout into a file, a stream to another file, a stream to itself in another mode"
//: reads = ["first.txt", "second.txt"]
//: writes = ["listing.txt", "second.txt"]
//: [before]
//: "first.txt" = "1"
//: "second.txt" = "2"
#include "lib.h"

int main(void) {
  DO(freopen("listing.txt", "w", stdout) ? 0 : -1);
  printf("to the file\n");
  FILE *file = fopen("first.txt", "r");
  DO(file ? fgetc(file) : -1);
  DO((file = freopen("second.txt", "r", file)) ? fgetc(file) : -1);
  DO((file = freopen(NULL, "a", file)) ? 0 : -1);
  fputs("more", file);
  DO(fclose(file));
}
