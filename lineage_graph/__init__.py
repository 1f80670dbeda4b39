"""Drawing of directed acyclic graphs. Knows nodes and edges, nothing of jobs, files, terminals or colours.

Start with `text.draw`, for pictures with `layers.place`. `order.topological` is the one place where the order of the
nodes is decided.
"""
