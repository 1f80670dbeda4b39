//: about = "io_submit(2): reads and writes that are queued in the kernel"
//: reads = ["in.bin"]
//: writes = ["out.bin"]
//: [before]
//: "in.bin" = "0123456789"
#include "lib.h"
#include <linux/aio_abi.h>

static void submit(aio_context_t context, int fd, int what, char *buffer, size_t count) {
  struct iocb block = {.aio_fildes = fd, .aio_lio_opcode = what, .aio_buf = (uintptr_t)buffer, .aio_nbytes = count};
  struct iocb *blocks[1] = {&block};
  struct io_event done;
  DO(syscall(SYS_io_submit, context, 1, blocks));
  DO(syscall(SYS_io_getevents, context, 1, 1, &done, NULL));
}

int main(void) {
  aio_context_t context = 0;
  char buffer[10];
  DO(syscall(SYS_io_setup, 4, &context));
  submit(context, DO(open("in.bin", O_RDONLY)), IOCB_CMD_PREAD, buffer, sizeof buffer);
  submit(context, DO(open("out.bin", O_WRONLY | O_CREAT, 0644)), IOCB_CMD_PWRITE, buffer, sizeof buffer);
}
