"""What a tracer must record: truth programs with their truth, staged, run and judged.

`roar doctor` runs them on the user's machine, the tests of this tree on ours. The programs lie in
tests/conformance/cases, and beside this file when roar is installed. Start at tool.py; tests/conformance/README.md has
the form of a program.
Imports nothing else of ours: it judges by what commands print.
"""
