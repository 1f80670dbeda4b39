#: about = "make, gcc and ar: objects, an archive that grows, a program; the second make does nothing"
#: needs = ["program:make"]
#: reads = ["Makefile", "one.c", "two.c", "api.h"]
#: writes = ["one.o", "two.o", "libnum.a", "prog", "one.d", "two.d"]
#: [before]
#: "api.h" = "int one(void);\nint two(void);\n"
#: "one.c" = "#include \"api.h\"\nint one(void) { return 1; }\n"
#: "two.c" = "#include \"api.h\"\nint main(void) { return one() - 1; }\n"
#: "unused.c" = "not compiled"
#: "Makefile" = "prog: two.o libnum.a\n\tgcc -o $@ $^\nlibnum.a: one.o\n\tar rcs $@ $^\n%.o: %.c\n\tgcc -MMD -c -o $@ $<\n-include one.d two.d\n"
set -e
make -s -j2
make -s
./prog
