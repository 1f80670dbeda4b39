"""`python -m roar_client` is `roar-py`."""

from roar_client.main import main

main()
