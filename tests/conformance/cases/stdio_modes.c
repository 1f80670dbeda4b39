//: about = "every mode of fopen(3)"
//: reads = ["r.txt", "rp_same.txt", "rp_changed.txt", "ap.txt"]
//: writes = ["rp_changed.txt", "w.txt", "wp.txt", "a.txt", "ap.txt", "wx.txt"]
//: [before]
//: "r.txt" = "r"
//: "rp_same.txt" = "r+"
//: "rp_changed.txt" = "r+"
//: "w.txt" = "w"
//: "wp.txt" = "w+"
//: "a.txt" = "a"
//: "ap.txt" = "a+"
#include "lib.h"

static void use(const char *name, const char *mode, const char *text) {
  FILE *file = fopen(name, mode);
  DO(file ? 0 : -1);
  if (text)
    fputs(text, file);
  else
    fgetc(file);
  DO(fclose(file));
}

int main(void) {
  use("r.txt", "re", NULL);
  use("rp_same.txt", "r+", NULL);
  use("rp_changed.txt", "r+", "X");
  use("w.txt", "w", "new");
  use("wp.txt", "w+b", "new");
  use("a.txt", "a", "more");
  use("ap.txt", "a+", "more");
  use("wx.txt", "wx", "new");
  DO(fopen("wx.txt", "wx") ? -1 : 0);
}
