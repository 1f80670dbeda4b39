#: about = "numpy: save, load by mapping, change by mapping, text"
#: needs = ["python:numpy"]
#: setup = '''
#: "$PYTHON" -c "import numpy; numpy.save('in.npy', numpy.arange(9)); numpy.save('patched.npy', numpy.zeros(9))"
#: '''
#: reads = ["in.npy", "patched.npy", "table.csv"]
#: writes = ["patched.npy", "out.npy", "pack.npz", "raw.bin"]
#: [before]
#: "table.csv" = "1,2\n3,4\n"
import numpy as np

values = np.load("in.npy", mmap_mode="r")
patched = np.load("patched.npy", mmap_mode="r+")
patched[3] = 7
patched.flush()
table = np.loadtxt("table.csv", delimiter=",")
np.save("out.npy", values * 2)
np.savez("pack.npz", table=table)
np.memmap("raw.bin", dtype=np.uint8, mode="w+", shape=(16,))[0] = 1
