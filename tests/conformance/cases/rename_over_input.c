//: about = "an atomic save over the file that was just read"
//: reads = ["model.cfg"]
//: writes = ["model.cfg"]
//: [before]
//: "model.cfg" = "version 1"
#include "lib.h"

int main(void) {
  get("model.cfg");
  put("model.cfg.new", "version 2");
  DO(rename("model.cfg.new", "model.cfg"));
  get("model.cfg");
}
