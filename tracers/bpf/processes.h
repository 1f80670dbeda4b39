/*
 * Processes of a run: from fork to exit.
 */
#ifndef ROAR_PROCESSES_H
#define ROAR_PROCESSES_H

INLINE void count_processes(__u32 number, __u64 more)
{
	struct roar_run *run = run_of(number);

	if (run)
		__sync_fetch_and_add(&run->processes, more);
}

/* In the parent, before the child runs. */
SEC("tp_btf/sched_process_fork")
int roar_fork(__u64 *context)
{
	struct task_struct *parent = (struct task_struct *)context[0];
	struct task_struct *child = (struct task_struct *)context[1];
	__u32 tgid = READ(parent, tgid), new = READ(child, tgid);
	struct roar_process *process;
	struct roar_process copy = {};
	struct scratch *s;

	if (tgid == new)
		return 0;
	process = bpf_map_lookup_elem(&processes, &tgid);
	s = scratch();
	if (!process || !s)
		return 0;
	copy.run = process->run;
	begin(s, ROAR_FORK, copy.run, new);
	s->event.number = tgid;
	if (bpf_map_update_elem(&processes, &new, &copy, BPF_ANY)) {
		/* no room for it: all that it does is lost */
		struct roar_run *run = run_of(copy.run);

		if (run)
			__sync_fetch_and_add(&run->lost, 1);
		return 0;
	}
	count_processes(copy.run, 1);
	emit(0);
	if (READ(child, nsproxy) != READ(parent, nsproxy) && mount_namespace(child) != mount_namespace(parent)) {
		begin(s, ROAR_NAMESPACE, copy.run, new);
		emit(0);
	}
	return 0;
}

/* The words of the command line, as the program has just got them. */
INLINE void add_argv(struct scratch *s, struct task_struct *task)
{
	struct mm_struct *mm = READ(task, mm);
	__u64 start = READ(mm, arg_start), size = READ(mm, arg_end) - start;
	__u32 at;

	open_part(s, ROAR_ARGV);
	at = s->at;
	if (size > TEXT_MAX) {
		size = TEXT_MAX;
		s->event.known |= ROAR_CUT;
	}
	if (at <= PARTS_MAX - TEXT_MAX && bpf_probe_read_user(s->parts + at, size, (void *)start) == 0)
		s->at = at + size;
	close_part(s);
}

SUBPROGRAM int executed(__u64 run_tgid, __u64 script)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct scratch *s = scratch();
	struct inode *inode;
	struct file *exe;
	__u64 dentry;

	if (!s)
		return 0;
	begin(s, ROAR_EXEC, run_tgid >> 32, run_tgid);
	exe = READ(READ(task, mm), exe_file);
	inode = READ(exe, f_inode);
	dentry = (__u64)READ(exe, f_path.dentry);
	take_stat(s, &s->event.stat, inode);
	s->event.known = ROAR_STAT;
	s->event.fs_magic = READ(READ(inode, i_sb), s_magic);
	if (is_unhashed(dentry))
		s->event.known |= ROAR_UNLINKED;
	open_part(s, ROAR_PATH);
	climb(dentry, (__u64)READ(exe, f_path.mnt));
	close_part(s);
	if (script) {
		s->event.known |= ROAR_SCRIPT;
		find_kernel(script, AT_FDCWD, FOLLOW);
		s->event.other = s->pending.from.stat;
		if (is_known(&s->event.other))
			s->event.known |= ROAR_OTHER;
		add_place(0);
		open_part(s, ROAR_PATH);
		climb((__u64)READ(READ(task, fs), pwd.dentry), (__u64)READ(READ(task, fs), pwd.mnt));
		close_part(s);
	}
	add_argv(s, task);
	emit(0);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int roar_exec(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	struct linux_binprm *program = (struct linux_binprm *)context[2];
	struct roar_settings *settings = the_settings();
	struct roar_process *process = current_process();
	const char *name = READ(program, filename), *interpreter = READ(program, interp);
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, user;
	struct scratch *s = scratch();
	__u32 run;

	if (!process || !settings || !s)
		return 0;
	run = process->run;
	user = READ(READ(task, cred), euid.val);
	if (settings->only_user != ~0u && settings->only_user != user) {
		begin(s, ROAR_FOREIGN, run, tgid);
		s->event.number = user;
		bpf_map_delete_elem(&processes, &tgid);
		count_processes(run, -1ull);
		emit(0);
		return 0;
	}
	executed((__u64)run << 32 | tgid, name != interpreter ? (__u64)name : 0);
	return 0;
}

/* Of the last thread of a process. */
SEC("tp_btf/sched_process_exit")
int roar_exit(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	struct signal_struct *signal = READ(task, signal);
	__u32 tgid = READ(task, tgid);
	struct roar_process *process;
	struct scratch *s;
	__u32 run;

	if (READ(signal, live.counter) != 0)
		return 0;
	process = bpf_map_lookup_elem(&processes, &tgid);
	s = scratch();
	if (!process || !s)
		return 0;
	run = process->run;
	begin(s, ROAR_EXIT, run, tgid);
	s->event.number = READ(signal, flags) & SIGNAL_GROUP_EXIT ? READ(signal, group_exit_code)
								  : READ(READ(task, group_leader), exit_code);
	if (bpf_map_delete_elem(&processes, &tgid))
		return 0; /* two last threads at a time */
	count_processes(run, -1ull);
	emit(0);
	return 0;
}

#endif
