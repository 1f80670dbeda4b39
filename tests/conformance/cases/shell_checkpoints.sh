#: about = "checkpoints of which only the newest three are kept, and a link to the last one"
#: setup = "ln -s ckpt-2 latest"
#: reads = ["ckpt-2"]
#: writes = ["ckpt-4", "ckpt-5", "ckpt-6"]
#: [before]
#: "ckpt-1" = "1"
#: "ckpt-2" = "2"
set -e
read -r step < latest || test "$step" = 2
for n in 3 4 5 6; do
  echo "state $n" > ckpt-$n.tmp
  mv ckpt-$n.tmp ckpt-$n
  ln -sfn ckpt-$n latest
  rm -f ckpt-$((n - 3))
done
