#: about = "a shelf in plain files, a pickle that is saved over itself"
#: setup = "\"$PYTHON\" -c \"import pickle; pickle.dump([1], open('state.pkl', 'wb'))\""
#: reads = ["state.pkl"]
#: writes = ["state.pkl", "shelf.dat", "shelf.dir", "shelf.bak"]
import dbm.dumb
import pickle
import shelve

with open("state.pkl", "rb") as file:
    state = pickle.load(file)
with open("state.pkl", "wb") as file:
    pickle.dump([*state, 2], file)
for number in range(3):
    with dbm.dumb.open("shelf") as plain:
        shelve.Shelf[list[int]](plain)[str(number)] = state  # type: ignore[arg-type]
