#: about = "the job's own LD_PRELOAD works and is an input"
#: setup = "printf 'int getpagesize(void) { return 1; }' > p.c; gcc -shared -fPIC -o libp.so p.c"
#: reads = ["libp.so", "in.txt"]
#: writes = ["out.txt"]
#: [before]
#: "in.txt" = "1\n"
LD_PRELOAD=$PWD/libp.so cat in.txt > out.txt
