#: about = "asyncio starts programs side by side and reads their pipes"
#: reads = ["in{0..3}.txt"]
#: writes = ["all.txt", "made{0..3}.txt"]
#: [before]
#: "in{0..3}.txt" = "text\n"
import asyncio
from pathlib import Path


async def one(number: int) -> bytes:
    command = f"tee made{number}.txt < in{number}.txt"
    process = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output


async def main() -> bytes:
    return b"".join(await asyncio.gather(*map(one, range(4))))


Path("all.txt").write_bytes(asyncio.run(main()))
