#: about = "training resumes from the newest checkpoint, keeps the last three, updates the best one and its own log"
#: reads = ["ckpt/step-0002.json", "train.csv", "metrics.jsonl"]
#: writes = ["ckpt/step-{0004..0006}.json", "ckpt/best.json", "metrics.jsonl"]
#: [before]
#: "train.csv" = "x,y\n1,2\n"
#: "ckpt/step-0001.json" = "{\"step\": 1}"
#: "ckpt/step-0002.json" = "{\"step\": 2}"
#: "metrics.jsonl" = "{\"step\": 2}\n"
import json
import os
import shutil
from pathlib import Path

KEEP = 3
folder = Path("ckpt")
step = json.loads(max(folder.glob("step-*.json")).read_text())["step"]
rows = Path("train.csv").read_text().splitlines()
with open("metrics.jsonl", "a+") as metrics:
    while step < 6:
        step += 1
        partial = folder / ".partial"
        partial.write_text(json.dumps({"step": step, "rows": len(rows)}))
        os.replace(partial, folder / f"step-{step:04}.json")
        metrics.write(json.dumps({"step": step}) + "\n")
        for old in sorted(folder.glob("step-*.json"))[:-KEEP]:
            old.unlink()
shutil.copyfile(folder / f"step-{step:04}.json", folder / "best.json")
