/*
 * roar's view of the processes of a run, from inside the kernel. See README.md for what is seen and what is not.
 *
 * Filter first: a call that cannot matter costs a comparison, a process of no run one look into a hash. What a call did is
 * taken from the kernel's objects when it has succeeded (sys_exit). What it destroys is looked up before (sys_enter), by
 * name in the cache of directory entries. Reads only; nothing here can change or delay what a process does.
 *
 * Needs Linux 5.17 (bpf_loop), CAP_BPF and CAP_PERFMON.
 */
#include "kernel.h"
#include "roar_event.h"
#include "machine.h"
#include "scratch.h"
#include "walk.h"
#include "events.h"
#include "places.h"
#include "calls.h"
#include "processes.h"
#include "requests.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
