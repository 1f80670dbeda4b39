#: about = "rsync: hidden temporary files renamed into place; what is up to date is not touched"
#: needs = ["program:rsync"]
#: setup = "cp -p src/same.txt dst"
#: reads = ["src/new.txt", "src/deep/changed.txt", "dst/deep/changed.txt"]
#: writes = ["dst/new.txt", "dst/deep/changed.txt"]
#: [before]
#: "src/same.txt" = "same"
#: "src/new.txt" = "new"
#: "src/deep/changed.txt" = "changed to something longer"
#: "dst/deep/changed.txt" = "old"
rsync -a --no-whole-file src/ dst/
