#: about = "removing files is no use of them"
#: writes = ["new/left.txt"]
#: [before]
#: "old/a.txt" = "a"
#: "old/deep/b.txt" = "b"
#: "single.txt" = "s"
set -e
rm -rf old single.txt
mkdir new
echo 1 > new/left.txt
echo 2 > new/temporary.txt
rm new/temporary.txt
