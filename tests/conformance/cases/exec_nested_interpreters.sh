#: about = "a script whose interpreter is a script, whose interpreter reads neither of them"
#: setup = "chmod +x outer middle"
#: reads = ["outer", "middle"]
#: [before]
#: "outer" = "#!./middle\nnot read by anybody but the kernel\n"
#: "middle" = "#!/bin/true\nnor this\n"
./outer
