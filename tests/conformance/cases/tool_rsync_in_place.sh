#: about = "rsync --inplace and --append write into the old files"
#: needs = ["program:rsync"]
#: reads = ["src/a.txt", "src/b.log", "dst/a.txt", "dst/b.log"]
#: writes = ["dst/a.txt", "dst/b.log"]
#: [before]
#: "src/a.txt" = "a longer text than there"
#: "src/b.log" = "line 1\nline 2\n"
#: "dst/a.txt" = "another text"
#: "dst/b.log" = "line 1\n"
rsync --inplace --no-whole-file src/a.txt dst/a.txt
rsync --append src/b.log dst/b.log
