// A program that puts itself behind a seccomp filter: would the shim survive it?
#pragma once

// Called before a filter (`struct sock_fprog`) is installed, and for strict mode, with null.
void before_filter(const void *program);
