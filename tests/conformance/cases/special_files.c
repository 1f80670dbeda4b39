//: about = "FIFOs, sockets, devices and directories are no files of a job"
//: setup = "mkfifo pipe; mkdir folder"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "through the pipe"
#include "lib.h"
#include <dirent.h>
#include <sys/un.h>

int main(void) {
  struct sockaddr_un here = {.sun_family = AF_UNIX, .sun_path = "socket"};
  DO(bind(DO(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&here, sizeof here));
  REFUSED(open("socket", O_RDWR), ENXIO);
  DO(mkfifo("second", 0600));
  DO(close(DO(open("second", O_RDWR))));
  drain(DO(open("/dev/null", O_RDWR)));
  DIR *folder = opendir("folder");
  DO(folder ? 0 : -1);
  while (readdir(folder)) {
  }
  pid_t child = DO(fork());
  if (child == 0) {
    int in = DO(open("in.txt", O_RDONLY)), pipe = DO(open("pipe", O_WRONLY));
    char buffer[64];
    DO(write(pipe, buffer, DO(read(in, buffer, sizeof buffer))));
    _exit(0);
  }
  drain(DO(open("pipe", O_RDONLY)));
  put("out.txt", "got it");
  reap(child);
}
