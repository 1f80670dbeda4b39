#: about = "a file opened for reading and writing by the shell, changed by nobody"
#: reads = ["both.txt"]
#: [before]
#: "both.txt" = "0123\n"
#: "append.txt" = "x"
exec 4<> both.txt 5>> append.txt
read -r line <&4
test "$line" = 0123
