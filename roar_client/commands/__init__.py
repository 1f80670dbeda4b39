"""One command a file: options, one request to the daemon, one renderer, an exit status. No policy.

Each module has an `app` (options.new_app); its docstring with examples is the help. Modules are imported when their
command is called (main.py), and import grpc, messages and renderers only when it is really carried out.
"""
