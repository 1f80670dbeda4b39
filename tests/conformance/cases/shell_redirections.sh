#: about = "every redirection of the shell"
#: reads = ["in.txt", "both.txt"]
#: writes = ["out.txt", "err.txt", "more.txt", "both.txt", "third.txt", "forced.txt", "here.txt"]
#: [before]
#: "in.txt" = "1\n"
#: "more.txt" = "start\n"
#: "both.txt" = "0123\n"
#: "guarded.txt" = "stays"
#: "forced.txt" = "goes"
cat < in.txt > out.txt 2> err.txt
echo more >> more.txt
printf X 1<> both.txt
exec 3> third.txt
echo third >&3
exec 3>&-
set -C
(echo lost > guarded.txt) 2> /dev/null
echo forced >| forced.txt
cat > here.txt << END
a document
END
