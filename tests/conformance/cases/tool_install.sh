#: about = "install and ln: programs put in place with modes, over old ones, with backups, and switched by a link"
#: setup = "ln -s releases/1 current; mkdir releases/2"
#: reads = ["tool", "releases/1/tool", "old/tool"]
#: writes = ["bin/tool", "releases/2/tool", "old/tool", "old/tool~", "seen.txt"]
#: [before]
#: "tool" = "version 2"
#: "releases/1/tool" = "version 1"
#: "old/tool" = "version 0"
set -e
install -D -m 755 tool bin/tool
install -b -m 700 tool old/tool
cat current/tool > seen.txt
cp tool releases/2/tool
ln -s releases/2 current.new
mv -T current.new current
cat current/tool >> seen.txt
