"""Facts about the surroundings of a run. Reads them, stores nothing; must not import db, trace or hashing."""
