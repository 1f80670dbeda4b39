#: about = "the way of editors and downloaders: write beside, sync, set times, rename over"
#: reads = ["notes.txt"]
#: writes = ["notes.txt", "notes.txt.bak"]
#: [before]
#: "notes.txt" = "first"
set -e
cp -p notes.txt notes.txt.bak
tr a-z A-Z < notes.txt > .notes.txt.swp
sync .notes.txt.swp
touch -r notes.txt .notes.txt.swp
chmod --reference=notes.txt .notes.txt.swp
mv .notes.txt.swp notes.txt
