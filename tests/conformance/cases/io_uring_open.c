//: about = "files opened by a ring, without any system call that opens; without rings, by plain calls"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [blind]
//: ptrace = "io-uring"
//: preload = "io-uring"
//: [before]
//: "in.txt" = "content"
#include "lib.h"
#include <linux/io_uring.h>

struct ring {
  int fd;
  char *submitted, *completed;
  struct io_uring_sqe *entries;
  struct io_uring_params params;
};

static void *part(const struct ring *ring, size_t size, off_t offset) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, offset);
  DO(memory == MAP_FAILED ? -1 : 0);
  return memory;
}

static int set_up(struct ring *ring) {
  memset(ring, 0, sizeof *ring);
  ring->fd = syscall(SYS_io_uring_setup, 4, &ring->params);
  if (ring->fd < 0) return 0;
  const struct io_uring_params *params = &ring->params;
  ring->submitted = part(ring, params->sq_off.array + params->sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
  size_t size = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
  ring->completed = part(ring, size, IORING_OFF_CQ_RING);
  ring->entries = part(ring, params->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
  return 1;
}

static int ring_open(struct ring *ring, const char *name, int flags) {
  unsigned *tail = (unsigned *)(ring->submitted + ring->params.sq_off.tail);
  unsigned *head = (unsigned *)(ring->completed + ring->params.cq_off.head);
  unsigned slot = *tail & (ring->params.sq_entries - 1);
  ring->entries[slot] = (struct io_uring_sqe){
      .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t)name, .len = 0644, .open_flags = flags};
  ((unsigned *)(ring->submitted + ring->params.sq_off.array))[slot] = slot;
  __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
  DO(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
  unsigned at = *head & (ring->params.cq_entries - 1);
  int result = ((struct io_uring_cqe *)(ring->completed + ring->params.cq_off.cqes))[at].res;
  __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
  errno = result < 0 ? -result : 0;
  return DO(result < 0 ? -1 : result);
}

int main(void) {
  struct ring ring;
  if (set_up(&ring)) {
    drain(ring_open(&ring, "in.txt", O_RDONLY));
    say(ring_open(&ring, "out.txt", O_WRONLY | O_CREAT), "by ring");
  } else {
    get("in.txt");
    put("out.txt", "without");
  }
}
