//: about = "names of any bytes: newline, not UTF-8, 255 bytes, dash, blanks, quotes, glob signs, backslash"
//: reads = ["in%0Anewline", "%FF%FEin", "in{x*253}"]
//: writes = ["-rf", " ", "out%0A", "%C3%28", "out{y*252}", "it's \"q\"", "*?[a]", "back%5Cslash", "tab%09", "%25", "ünï"]
//: [before]
//: "in%0Anewline" = "1"
//: "%FF%FEin" = "2"
//: "in{x*253}" = "3"
//: "in" = "a decoy"
#include "lib.h"

static const char *long_name(const char *start, char filler) {
  static char name[256];
  memset(name, filler, 255);
  memcpy(name, start, strlen(start));
  return name;
}

int main(void) {
  get("in\nnewline");
  get("\xff\xfein");
  get(long_name("in", 'x'));
  put(long_name("out", 'y'), "1");
  static const char *const names[] = {"-rf",   " ",           "out\n", "\xc3(", "it's \"q\"",
                                      "*?[a]", "back\\slash", "tab\t", "%",     "\xc3\xbcn\xc3\xaf"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) put(names[i], names[i]);
}
