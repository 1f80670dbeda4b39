//: about = "posix_spawn(3) opens the files of the child by itself, one after a change of directory"
//: reads = ["in.txt"]
//: writes = ["out.txt", "sub/err.txt"]
//: setup = "mkdir sub"
//: [before]
//: "in.txt" = "content\n"
#include "lib.h"
#include <spawn.h>

int main(void) {
  pid_t child;
  posix_spawn_file_actions_t actions;
  char *words[] = {"sh", "-c", "cat; echo done >&2", NULL}, *environment[] = {"PATH=/usr/bin:/bin", NULL};
  DO(posix_spawn_file_actions_init(&actions));
  DO(posix_spawn_file_actions_addopen(&actions, 0, "in.txt", O_RDONLY, 0));
  DO(posix_spawn_file_actions_addopen(&actions, 1, "out.txt", O_WRONLY | O_CREAT | O_TRUNC, 0644));
  DO(posix_spawn_file_actions_addchdir_np(&actions, "sub"));
  DO(posix_spawn_file_actions_addopen(&actions, 2, "err.txt", O_WRONLY | O_CREAT, 0644));
  errno = posix_spawnp(&child, "sh", &actions, NULL, words, environment);
  DO(-errno);
  reap(child);
}
