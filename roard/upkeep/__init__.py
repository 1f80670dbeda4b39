"""What keeps a project's database well: looking, checking, copying, cleaning, going back. One file each.

Functions take `Projects` and a root, because what only looks must also answer for a database that cannot be opened;
they return messages of the contract. Must not import service, query or record.
"""
