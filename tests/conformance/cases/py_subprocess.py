#: about = "subprocess: no environment, another cwd, descriptors handed on, files as streams, a shell"
#: reads = ["in.txt", "sub/in.txt", "passed.txt"]
#: writes = ["out.txt", "sub/out.txt", "shell.txt", "err.txt"]
#: [before]
#: "in.txt" = "1"
#: "sub/in.txt" = "2"
#: "passed.txt" = "3"
import subprocess

with open("in.txt") as source, open("out.txt", "w") as target, open("err.txt", "w") as errors:
    subprocess.run(["/bin/sh", "-c", "cat; echo e >&2"], env={}, stdin=source, stdout=target, stderr=errors, check=True)
subprocess.run(["cp", "in.txt", "out.txt"], cwd="sub", check=True, start_new_session=True)
with open("passed.txt") as passed:
    fd = passed.fileno()
    subprocess.run(["sh", "-c", f"cat <&{fd} > shell.txt"], pass_fds=[fd], check=True)
