#: about = "ar and ranlib change an old archive, strip a program"
#: setup = "echo 'int a;' > a.c; gcc -c a.c; ar rc old.a a.o; echo 'int main(void) { return 0; }' > p.c; gcc -g -o prog p.c"
#: reads = ["old.a", "more.txt", "prog"]
#: writes = ["old.a", "prog"]
#: [before]
#: "more.txt" = "a member"
set -e
ar r old.a more.txt
strip prog
