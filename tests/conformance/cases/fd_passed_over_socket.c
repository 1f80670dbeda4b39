//: about = "SCM_RIGHTS: one process opens, another one reads and writes"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "content"
#include "lib.h"

struct letter {
  struct msghdr head;
  struct iovec text;
  char byte;
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int))];
  } extra;
};

static struct msghdr *write_letter(struct letter *letter) {
  memset(letter, 0, sizeof *letter);
  letter->text = (struct iovec){&letter->byte, 1};
  letter->head = (struct msghdr){.msg_iov = &letter->text, .msg_iovlen = 1};
  letter->head.msg_control = letter->extra.room;
  letter->head.msg_controllen = sizeof letter->extra.room;
  return &letter->head;
}

static void give(int to, int fd) {
  struct letter letter;
  struct cmsghdr *part = CMSG_FIRSTHDR(write_letter(&letter));
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(part), &fd, sizeof fd);
  DO(sendmsg(to, &letter.head, 0));
  DO(close(fd));
}

static int take(int from) {
  struct letter letter;
  int fd;
  DO(recvmsg(from, write_letter(&letter), 0));
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&letter.head)), sizeof fd);
  return fd;
}

int main(void) {
  int pair[2];
  DO(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  pid_t child = DO(fork());
  if (child == 0) {
    drain(take(pair[1]));
    say(take(pair[1]), "written by the child");
    _exit(0);
  }
  give(pair[0], DO(open("in.txt", O_RDONLY)));
  give(pair[0], DO(open("out.txt", O_WRONLY | O_CREAT, 0600)));
  reap(child);
}
