"""Generated Python stubs of the contract in proto/roar/v1. Never edited by hand: `python proto/generate.py`."""
