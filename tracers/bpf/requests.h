/*
 * io_uring: operations that open or name files make no system call of their own.
 */
#ifndef ROAR_REQUESTS_H
#define ROAR_REQUESTS_H

enum {
	IORING_OP_OPENAT = 18,
	IORING_OP_OPENAT2 = 28,
	IORING_OP_RENAMEAT = 35,
	IORING_OP_UNLINKAT = 36,
	IORING_OP_LINKAT = 39,
};

/* Operations that open or name files make no system call of their own; their names are in the kernel's memory already. */
SEC("tp_btf/io_uring_submit_req")
int roar_request(__u64 *context)
{
	struct io_kiocb *request = (struct io_kiocb *)context[0];
	__u8 operation = READ(request, opcode);
	__u64 key = (__u64)request;
	struct scratch *s;

	if (operation != IORING_OP_OPENAT && operation != IORING_OP_OPENAT2 && operation != IORING_OP_RENAMEAT &&
	    operation != IORING_OP_UNLINKAT && operation != IORING_OP_LINKAT)
		return 0;
	s = scratch();
	if (!current_process() || !s)
		return 0;
	s->pending.unread = 0;
	s->pending.to.end = UNKNOWN;
	if (operation == IORING_OP_OPENAT || operation == IORING_OP_OPENAT2) {
		struct io_open *open = (void *)request;

		s->pending.action = READ(open, how.flags);
		find_kernel((__u64)READ(READ(open, filename), name), READ(open, dfd), FOLLOW);
	} else if (operation == IORING_OP_UNLINKAT) {
		struct io_unlink *unlink = (void *)request;

		s->pending.action = READ(unlink, flags);
		find_kernel((__u64)READ(READ(unlink, filename), name), READ(unlink, dfd), 0);
	} else {
		struct io_rename *rename = (void *)request; /* io_link has the same fields at the same places */
		int flags = READ(rename, flags);

		s->pending.action = flags;
		find_kernel((__u64)READ(READ(rename, newpath), name), READ(rename, new_dfd), SECOND);
		find_kernel((__u64)READ(READ(rename, oldpath), name), READ(rename, old_dfd),
			    operation == IORING_OP_LINKAT && flags & AT_SYMLINK_FOLLOW ? FOLLOW : 0);
	}
	bpf_map_update_elem(&calls, &key, &s->pending, BPF_ANY);
	return 0;
}

SUBPROGRAM int request_unseen(__u64 run_tgid, int operation)
{
	struct scratch *s = scratch();

	if (!s)
		return 0;
	begin(s, ROAR_IO_URING, run_tgid >> 32, run_tgid);
	s->event.number = operation;
	emit(0);
	return 0;
}

SUBPROGRAM int request_ended(__u64 run_tgid, int operation, long result)
{
	struct scratch *s = scratch();
	__u32 flags;

	if (!s)
		return 0;
	flags = s->pending.action;
	switch (operation) {
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
		if (!(flags & O_PATH) && opened(run_tgid, result, flags, flags & O_TRUNC))
			request_unseen(run_tgid, operation);
		return 0;
	case IORING_OP_UNLINKAT:
		if (flags & AT_REMOVEDIR)
			return 0;
		if (s->pending.from.end == UNKNOWN)
			return request_unseen(run_tgid, operation);
		return changed(run_tgid, UNLINKAT, 0);
	default:
		if (s->pending.from.end == UNKNOWN || s->pending.to.end == UNKNOWN || !s->pending.from.child)
			return request_unseen(run_tgid, operation);
		return changed(run_tgid, operation == IORING_OP_RENAMEAT ? RENAMEAT2 : LINKAT, flags);
	}
}

SEC("tp_btf/io_uring_complete")
int roar_request_complete(__u64 *context)
{
	struct io_kiocb *request = (struct io_kiocb *)context[1];
	struct roar_process *process;
	long result;

	if (!request || !recall((__u64)request))
		return 0;
	process = current_process();
	result = READ(request, cqe.res);
	if (process && result >= 0)
		request_ended((__u64)process->run << 32 | (bpf_get_current_pid_tgid() >> 32), READ(request, opcode), result);
	forget((__u64)request);
	return 0;
}

#endif
