#: about = "patch: one file changed with its backup, one made, one removed"
#: needs = ["program:patch"]
#: reads = ["change.diff", "old.txt", "dies.txt"]
#: writes = ["old.txt", "old.txt.orig", "born.txt"]
#: [before]
#: "old.txt" = "one\ntwo\n"
#: "dies.txt" = "away\n"
#: "change.diff" = "--- old.txt\n+++ old.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n--- /dev/null\n+++ born.txt\n@@ -0,0 +1 @@\n+hello\n--- dies.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-away\n"
patch -s -b -p0 -V simple --no-backup-if-mismatch < change.diff && rm -f born.txt.orig dies.txt.orig
