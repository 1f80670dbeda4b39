"""Everything that is printed: answers on stdout, talk on stderr. The only part of the command line that prints.

Renderers make lines of styled spans (text.py); where stdout is a terminal, rich shows them in colour and no wider than
it is, otherwise they are plain text and nothing is cut. documents.py makes what `--json` prints.
"""
