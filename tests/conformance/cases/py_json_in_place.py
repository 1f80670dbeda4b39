#: about = "a document is read, changed and written through one descriptor, and cut to its new length"
#: reads = ["doc.json"]
#: writes = ["doc.json"]
#: [before]
#: "doc.json" = "{\"keep\": 1, \"drop\": \"a long text that goes away\"}"
import json

with open("doc.json", "r+") as file:
    document = json.load(file)
    del document["drop"]
    file.seek(0)
    json.dump(document, file)
    file.truncate()
