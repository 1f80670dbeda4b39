"""The gRPC services, one file each: parse the request, call the use case, answer. No SQL, no files, no try.

interceptors.py stands before all of them: token, errors, counting. Blocking work goes to a thread.
"""
