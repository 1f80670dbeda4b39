"""The roar daemon: owns every project's lineage database, the hash cache, and the supervision of runs.

Start reading at record.py (what happens to a finished run), then app.py (how the parts are put together).
Imports point down only: model, errors, paths; then trace, hashing, context, db, filters, steps, config; then project;
then record, query, supervision; then service; at the top lifecycle, app, __main__.
Must not import roar_client, and prints nothing.
"""
