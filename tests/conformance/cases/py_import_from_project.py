#: about = "modules of the project, imported from source; its settings and package data"
#: reads = ["helper.py", "package/__init__.py", "package/table.json", "inside.zip"]
#: writes = ["out.txt"]
#: setup = "\"$PYTHON\" -c \"import zipfile; zipfile.ZipFile('inside.zip', 'w').writestr('zipped.py', 'VALUE = 3')\""
#: [before]
#: "helper.py" = "VALUE = 1\n"
#: "package/__init__.py" = "import json, os\nVALUE = json.load(open(os.path.dirname(__file__) + '/table.json'))\n"
#: "package/table.json" = "2"
import importlib
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [".", "inside.zip"]
values = [importlib.import_module(name).VALUE for name in ("helper", "package", "zipped")]
with open("out.txt", "w") as out:
    out.write(str(sum(values)))
