//! The truth rules as tables: what happened, what was there, what must be recorded.

use std::cell::RefCell;
use std::collections::HashMap;

use super::*;

const RD: i32 = libc::O_RDONLY;
const WR: i32 = libc::O_WRONLY;
const RW: i32 = libc::O_RDWR;
const CREATE: i32 = libc::O_CREAT;
const TRUNC: i32 = libc::O_TRUNC;
const APPEND: i32 = libc::O_APPEND;

/// A file system in which tests do what a job would do, and which tells the reducer what a tracer would have seen.
#[derive(Default)]
struct World {
    tree: RefCell<HashMap<String, Stat>>,
    events: RefCell<Vec<Event>>,
    clock: RefCell<i64>,
    inodes: RefCell<u64>,
}

impl World {
    /// A file from before the job.
    fn with(self, path: &str, size: u64) -> Self {
        self.put(path, size);
        self
    }

    fn tick(&self) -> i64 {
        *self.clock.borrow_mut() += 1;
        *self.clock.borrow()
    }

    fn put(&self, path: &str, size: u64) -> Stat {
        *self.inodes.borrow_mut() += 1;
        let (ino, mtime_ns) = (*self.inodes.borrow(), self.tick());
        let stat = Stat { dev: 1, ino, size, mtime_ns, ctime_ns: mtime_ns, mode: u64::from(libc::S_IFREG) };
        self.tree.borrow_mut().insert(path.into(), stat);
        stat
    }

    fn get(&self, path: &str) -> Option<Stat> {
        self.tree.borrow().get(path).copied()
    }

    fn say(&self, what: What) {
        let event = Event { pid: 7, at_ns: self.tick() as u64, what };
        // Through its bytes, so that these tables check the format as well.
        self.events.borrow_mut().push(Event::decode(&event.encode()).unwrap());
    }

    fn open(&self, path: &str, flags: i32) -> &Self {
        let before = self.get(path);
        if before.is_none() && flags & CREATE != 0 {
            self.put(path, 0);
        }
        if flags & TRUNC != 0 {
            self.fill(path, 0);
        }
        let stat = self.get(path).unwrap();
        let before = if flags & (CREATE | TRUNC | libc::O_ACCMODE) == 0 { None } else { before };
        self.say(What::Open { flags: flags as u32, path: path.into(), stat, before });
        self
    }

    fn read(&self, path: &str) -> &Self {
        self.open(path, RD)
    }

    fn save(&self, path: &str) -> &Self {
        self.open(path, WR | CREATE | TRUNC).fill(path, 9)
    }

    /// write(2): no event, but another size and mtime, for every name of the inode.
    fn fill(&self, path: &str, size: u64) -> &Self {
        let now = self.tick();
        let ino = self.get(path).unwrap().ino;
        for stat in self.tree.borrow_mut().values_mut().filter(|stat| stat.ino == ino) {
            (stat.size, stat.mtime_ns, stat.ctime_ns) = (size, now, now);
        }
        self
    }

    fn rename(&self, from: &str, to: &str) -> &Self {
        let (stat, replaced) = (self.get(from).unwrap(), self.get(to));
        self.tree.borrow_mut().remove(from);
        self.tree.borrow_mut().insert(to.into(), stat);
        self.say(What::Rename { flags: 0, from: from.into(), to: to.into(), stat, replaced });
        self
    }

    fn exchange(&self, from: &str, to: &str) -> &Self {
        let (stat, other) = (self.get(from).unwrap(), self.get(to).unwrap());
        self.tree.borrow_mut().insert(to.into(), stat);
        self.tree.borrow_mut().insert(from.into(), other);
        let flags = RENAME_EXCHANGED;
        self.say(What::Rename { flags, from: from.into(), to: to.into(), stat, replaced: Some(other) });
        self
    }

    fn rename_directory(&self, from: &str, to: &str) -> &Self {
        let stat = Stat { dev: 1, ino: 999, mode: u64::from(libc::S_IFDIR), ..Stat::default() };
        let inside: Vec<String> =
            self.tree.borrow().keys().filter(|path| path.starts_with(&format!("{from}/"))).cloned().collect();
        self.say(What::Rename { flags: 0, from: from.into(), to: to.into(), stat, replaced: None });
        for old in inside {
            let stat = self.tree.borrow_mut().remove(&old).unwrap();
            let new = old.replacen(from, to, 1);
            self.tree.borrow_mut().insert(new.clone(), stat);
            self.say(What::Moved { from: old.into(), to: new.into(), stat });
        }
        self
    }

    fn link(&self, from: &str, to: &str) -> &Self {
        let stat = self.get(from).unwrap();
        self.tree.borrow_mut().insert(to.into(), stat);
        self.say(What::Link { from: from.into(), to: to.into(), stat });
        self
    }

    fn unlink(&self, path: &str) -> &Self {
        let stat = self.tree.borrow_mut().remove(path).unwrap();
        self.say(What::Unlink { path: path.into(), stat });
        self
    }

    fn touch(&self, path: &str, mtime_ns: i64) -> &Self {
        let before = self.get(path).unwrap();
        let after = Stat { mtime_ns, ctime_ns: self.tick(), ..before };
        self.tree.borrow_mut().insert(path.into(), after);
        self.say(What::Utimes { path: path.into(), before, after });
        self
    }

    fn uses(&self) -> FileUses {
        reduce(self.events.borrow().iter(), |path| self.get(std::str::from_utf8(path).unwrap()))
    }

    /// "a b>c!" reads as: reads a; b, which lies at c now and whose content the job replaced.
    #[track_caller]
    fn expect(&self, reads: &str, writes: &str) {
        let uses = self.uses();
        let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        let read = |read: &Read| {
            let moved = read.now_at.as_ref().map_or(String::new(), |at| format!(">{}", text(at)));
            format!("{}{moved}{}", text(&read.path), if read.replaced { "!" } else { "" })
        };
        let write = |write: &Write| format!("{}{}", text(&write.path), if write.created { "+" } else { "" });
        let got_reads: Vec<String> = uses.reads.iter().map(read).collect();
        let got_writes: Vec<String> = uses.writes.iter().map(write).collect();
        assert_eq!((got_reads.join(" "), got_writes.join(" ")), (reads.to_owned(), writes.to_owned()));
    }
}

fn world() -> World {
    World::default().with("in", 3).with("old", 5).with("empty", 0)
}

#[test]
fn a_file_read_is_an_input_and_a_file_made_is_an_output() {
    world().read("in").save("out").expect("in", "out+");
}

#[test]
fn a_file_made_and_read_back_is_an_output_only() {
    world().save("out").read("out").expect("", "out+");
}

#[test]
fn a_file_made_and_removed_is_neither() {
    world().save("tmp").read("tmp").unlink("tmp").expect("", "");
}

#[test]
fn what_a_file_held_before_may_still_be_in_it_unless_it_was_emptied_or_replaced() {
    let updated = |world: &World| world.uses().writes.iter().map(|write| write.updated).collect::<Vec<_>>();
    assert_eq!(updated(world().open("old", WR | APPEND).fill("old", 9)), [true]);
    assert_eq!(updated(world().open("old", WR | TRUNC).fill("old", 9)), [false]);
    assert_eq!(updated(world().open("empty", WR | APPEND).fill("empty", 9)), [false]);
    assert_eq!(updated(world().save("tmp").rename("tmp", "old")), [false]);
}

#[test]
fn an_empty_file_that_was_made_is_an_output() {
    world().open("out", WR | CREATE).expect("", "out+");
}

#[test]
fn opening_for_write_and_changing_nothing_is_no_output() {
    world().open("old", WR | APPEND).open("empty", RW).expect("", "");
}

#[test]
fn an_empty_file_that_the_job_fills_and_opens_again_is_no_input() {
    world().open("empty", RW).fill("empty", 8).open("empty", RW).expect("", "empty");
}

#[test]
fn appending_is_an_output_and_no_input() {
    world().open("old", WR | APPEND).fill("old", 8).expect("", "old");
}

#[test]
fn read_write_without_a_change_is_an_input() {
    world().open("old", RW).expect("old", "");
}

#[test]
fn read_write_with_a_change_is_both_and_says_that_the_content_is_gone() {
    world().open("old", RW).fill("old", 5).expect("old!", "old");
}

#[test]
fn truncating_an_old_file_is_no_read_of_it() {
    world().open("old", RW | TRUNC).fill("old", 2).read("old").expect("", "old");
}

#[test]
fn truncating_to_the_same_size_and_time_is_still_a_change() {
    let world = world();
    let before = world.get("old").unwrap();
    world.save("old").fill("old", before.size).touch("old", before.mtime_ns).expect("", "old");
}

#[test]
fn truncating_an_empty_file_is_an_output_as_its_time_changes() {
    world().open("empty", WR | TRUNC).expect("", "empty");
}

#[test]
fn setting_times_is_nothing() {
    world().open("old", WR | CREATE).touch("old", 99).touch("in", 98).expect("", "");
}

#[test]
fn setting_times_after_a_write_does_not_hide_it() {
    let world = world();
    let before = world.get("old").unwrap();
    world.open("old", WR).fill("old", 5).touch("old", before.mtime_ns).expect("", "old");
}

#[test]
fn setting_times_of_an_input_keeps_its_content_known() {
    let world = world();
    world.read("in").touch("in", 4444).expect("in", "");
    assert_eq!(world.uses().reads[0].stat.mtime_ns, 4444);
}

#[test]
fn an_input_that_the_job_overwrites_later_keeps_the_stat_of_what_was_read() {
    let world = world();
    let before = world.get("in").unwrap();
    world.read("in").save("in").expect("in!", "in");
    assert_eq!(world.uses().reads[0].stat, before);
}

#[test]
fn reading_after_an_append_is_a_read_of_content_that_is_gone() {
    let world = world();
    let before = world.get("old").unwrap();
    world.open("old", WR | APPEND).fill("old", 8).read("old").expect("old!", "old");
    assert_eq!(world.uses().reads[0].stat, before);
}

#[test]
fn an_atomic_save_is_one_output_and_no_input() {
    world().save("old.tmp").rename("old.tmp", "old").expect("", "old");
}

#[test]
fn an_atomic_save_of_a_file_that_was_read_replaces_the_input() {
    world().read("old").save("old.tmp").rename("old.tmp", "old").expect("old!", "old");
}

#[test]
fn a_renamed_input_is_read_and_lies_at_the_new_path() {
    world().rename("in", "new").expect("in>new", "new+");
}

#[test]
fn a_file_moved_over_a_symbolic_link_is_a_new_one() {
    let world = world().with("link", 0);
    world.tree.borrow_mut().get_mut("link").unwrap().mode = u64::from(libc::S_IFLNK);
    world.save("tmp").rename("tmp", "link").expect("", "link+");
}

#[test]
fn a_symbolic_link_moved_over_a_file_removes_it() {
    let world = world().with("link", 0);
    world.tree.borrow_mut().get_mut("link").unwrap().mode = u64::from(libc::S_IFLNK);
    world.read("in").rename("link", "in").expect("in!", "");
}

#[test]
fn a_chain_of_renames_is_one_output() {
    world().save("a").rename("a", "b").rename("b", "c").expect("", "c+");
}

#[test]
fn an_input_renamed_there_and_back_is_where_it_was() {
    world().rename("in", "x").rename("x", "in").expect("in", "");
}

#[test]
fn an_input_renamed_and_then_read_is_recorded_under_the_path_it_had() {
    world().rename("in", "x").read("x").expect("in>x", "x+");
}

#[test]
fn an_input_renamed_and_then_changed_is_gone() {
    world().rename("in", "x").open("x", RW).fill("x", 7).expect("in>x!", "x+");
}

#[test]
fn an_exchange_is_a_read_and_a_write_of_both() {
    world().exchange("in", "old").expect("in>old old>in", "in old");
}

#[test]
fn renaming_one_hard_link_over_the_other_is_nothing() {
    let world = world().with("a", 1);
    let stat = world.get("a").unwrap();
    world.tree.borrow_mut().insert("b".into(), stat);
    world.say(What::Rename { flags: 0, from: b"a".into(), to: b"b".into(), stat, replaced: Some(stat) });
    world.expect("", "");
}

#[test]
fn a_hard_link_reads_its_source() {
    world().link("in", "b").expect("in", "b+");
}

#[test]
fn a_hard_link_to_an_own_file_is_two_outputs() {
    world().save("a").link("a", "b").expect("", "a+ b+");
}

#[test]
fn writing_through_one_link_changes_the_other() {
    let world = world();
    world.link("in", "b").open("b", WR).fill("b", 8).expect("in!", "b+ in");
}

#[test]
fn two_old_links_of_one_file_are_two_inputs() {
    let world = world();
    let stat = world.get("in").unwrap();
    world.tree.borrow_mut().insert("in2".into(), stat);
    world.read("in").read("in2").expect("in in2", "");
}

#[test]
fn a_link_from_before_of_a_file_that_the_job_changed_and_removed_is_changed() {
    let world = world();
    let same = world.get("old").unwrap();
    world.tree.borrow_mut().insert("old2".into(), same);
    world.save("old").unlink("old").read("old2").expect("", "old2");
}

#[test]
fn a_link_from_before_that_is_left_and_gets_another_time_is_still_the_file() {
    let world = world();
    let same = world.get("in").unwrap();
    world.tree.borrow_mut().insert("in2".into(), same);
    world.read("in").unlink("in").touch("in2", 4444).open("in2", RW).expect("in>in2 in2", "");
}

#[test]
fn an_inode_number_that_comes_back_unseen_is_another_file() {
    let world = world();
    world.save("old").unlink("old");
    *world.inodes.borrow_mut() = 1;
    world.put("foreign", 5); // with the number of `old`, by somebody else
    assert_eq!(world.get("foreign").unwrap().ino, 2);
    world.read("foreign").expect("foreign", "");
}

#[test]
fn a_file_removed_and_made_again_is_an_output_at_an_old_path() {
    world().unlink("old").save("old").expect("", "old");
}

#[test]
fn an_inode_number_that_comes_back_is_another_file() {
    let world = world();
    world.read("in").unlink("in").save("out");
    let reused = world.get("out").unwrap().ino;
    world.unlink("out");
    *world.inodes.borrow_mut() = reused - 1;
    world.save("again").read("again").expect("in!", "again+");
}

#[test]
fn an_inode_number_reused_unseen_is_another_file_when_it_is_created() {
    let world = world();
    world.read("in");
    let ino = world.tree.borrow_mut().remove("in").unwrap().ino; // removed by somebody else
    *world.inodes.borrow_mut() = ino - 1;
    world.save("out").read("out");
    assert_eq!(world.uses().writes.len(), 1);
    assert_eq!(world.uses().reads.len(), 1);
}

#[test]
fn two_processes_racing_to_create_make_one_output() {
    let world = world();
    world.open("out", WR | CREATE);
    let stat = world.get("out").unwrap();
    world.say(What::Open { flags: (WR | CREATE) as u32, path: b"out".into(), stat, before: None });
    world.fill("out", 5).expect("", "out+");
}

#[test]
fn a_file_read_before_its_making_is_told_is_an_output_only() {
    let world = world();
    let stat = world.put("out", 0);
    world.read("out");
    world.say(What::Open { flags: (WR | CREATE) as u32, path: b"out".into(), stat, before: None });
    world.fill("out", 5).read("out").expect("", "out+");
}

#[test]
fn a_file_read_before_its_making_is_told_is_at_an_old_path_where_one_was_removed() {
    let world = world();
    world.unlink("old").put("old", 0);
    world.read("old");
    let stat = world.get("old").unwrap();
    world.say(What::Open { flags: (WR | CREATE) as u32, path: b"old".into(), stat, before: None });
    world.expect("", "old");
}

#[test]
fn a_file_opened_for_write_and_linked_before_its_making_is_told_is_the_jobs() {
    let world = world();
    let stat = world.put("out", 0);
    world.open("out", RW | CREATE).link("out", "copy");
    world.say(What::Open { flags: (RW | CREATE) as u32, path: b"out".into(), stat, before: None });
    world.expect("", "copy+ out+");
}

#[test]
fn a_temporary_file_without_a_name_counts_when_it_is_linked() {
    let world = world();
    let stat = world.put("#1", 0);
    world.tree.borrow_mut().remove("#1");
    let flags = (RW | libc::O_TMPFILE) as u32;
    world.say(What::Open { flags, path: b"/dir/#1".into(), stat, before: None });
    world.tree.borrow_mut().insert("pub".into(), stat);
    world.say(What::Link { from: Vec::new(), to: b"pub".into(), stat });
    world.read("pub").expect("", "pub+");
}

#[test]
fn files_move_with_their_directory() {
    world()
        .save("part/one")
        .save("part/sub/two")
        .rename_directory("part", "done")
        .expect("", "done/one+ done/sub/two+");
}

#[test]
fn old_files_in_a_renamed_directory_are_read_and_written() {
    let world = world().with("d/a", 1).with("d/b", 1);
    world.read("d/a").rename_directory("d", "e").expect("d/a>e/a d/b>e/b", "e/a+ e/b+");
}

#[test]
fn a_directory_renamed_twice_keeps_the_first_origin() {
    let world = world().with("d/a", 1);
    world.rename_directory("d", "e").rename_directory("e", "f").expect("d/a>f/a", "f/a+");
}

#[test]
fn a_file_of_a_renamed_directory_that_was_looked_at_late_is_what_it_was() {
    let world = world().with("d/a", 1);
    let before = world.get("d/a").unwrap();
    let directory = Stat { dev: 1, ino: 999, mode: u64::from(libc::S_IFDIR), ..Stat::default() };
    world.tree.borrow_mut().remove("d/a");
    world.tree.borrow_mut().insert("e/a".into(), before);
    let late = *world.fill("e/a", 8).tree.borrow().get("e/a").unwrap();
    world.say(What::Rename { flags: 0, from: b"d".into(), to: b"e".into(), stat: directory, replaced: None });
    world.say(What::Moved { from: b"d/a".into(), to: b"e/a".into(), stat: late });
    world.say(What::Open { flags: RW as u32, path: b"e/a".into(), stat: before, before: Some(before) });
    world.expect("d/a>e/a!", "e/a+");
    assert_eq!(world.uses().reads[0].stat, before);
}

#[test]
fn another_name_in_a_renamed_directory_that_was_looked_at_late_is_what_it_was() {
    let world = world().with("d/a", 1);
    let before = world.get("d/a").unwrap();
    world.tree.borrow_mut().insert("same".into(), before);
    world.rename("same", "other").tree.borrow_mut().remove("d/a");
    let late = *world.fill("other", 8).tree.borrow().get("other").unwrap();
    world.tree.borrow_mut().insert("e/a".into(), late);
    world.say(What::Moved { from: b"d/a".into(), to: b"e/a".into(), stat: late });
    world.say(What::Open { flags: RW as u32, path: b"other".into(), stat: before, before: Some(before) });
    world.expect("d/a>e/a! same>e/a!", "e/a+ other+");
    assert!(world.uses().reads.iter().all(|read| read.stat == before));
}

#[test]
fn a_directory_renamed_to_where_it_is_moves_nothing() {
    let world = world().with("d/a", 1);
    world.rename_directory("d", "d").expect("", "");
}

#[test]
fn directories_exchanged_keep_files_of_one_name_apart() {
    let world = world().with("a/same", 1).with("b/same", 2).with("a/one", 3);
    let directory = |ino| Stat { dev: 1, ino, mode: u64::from(libc::S_IFDIR), ..Stat::default() };
    world.read("a/same");
    let (left, right, one) = (world.get("a/same").unwrap(), world.get("b/same").unwrap(), world.get("a/one").unwrap());
    world.tree.borrow_mut().extend([("a/same".into(), right), ("b/same".into(), left), ("b/one".into(), one)]);
    world.tree.borrow_mut().remove("a/one");
    let (flags, stat, replaced) = (RENAME_EXCHANGED, directory(900), Some(directory(901)));
    world.say(What::Rename { flags, from: b"a".into(), to: b"b".into(), stat, replaced });
    for (from, to, stat) in [("a/same", "b/same", left), ("a/one", "b/one", one), ("b/same", "a/same", right)] {
        world.say(What::Moved { from: from.into(), to: to.into(), stat });
    }
    world.expect("a/one>b/one a/same>b/same b/same>a/same", "a/same b/one+ b/same");
}

#[test]
fn a_program_without_a_name_is_no_input() {
    let world = world();
    let stat = world.get("in").unwrap();
    let exe = b"/memfd:copy (deleted)".to_vec();
    world.say(What::Exec(Exec { exe, stat, ..Exec::default() }));
    world.expect("", "");
}

#[test]
fn a_sibling_with_the_same_prefix_stays_where_it_is() {
    world().save("part/one").save("part2").rename_directory("part", "done").expect("", "done/one+ part2+");
}

#[test]
fn a_program_that_was_run_is_an_input() {
    let world = world().with("tool.sh", 4).with("sh", 9);
    world.say(What::Exec(Exec {
        exe: b"sh".into(),
        stat: world.get("sh").unwrap(),
        script: b"tool.sh".into(),
        script_stat: world.get("tool.sh"),
        argv: vec![b"sh".into(), b"tool.sh".into()],
    }));
    world.expect("sh tool.sh", "");
    assert!(world.uses().reads.iter().all(|read| read.executed));
}

#[test]
fn inherited_descriptors_count_by_their_mode() {
    let world = world();
    for (path, flags) in [("in", RD), ("old", WR | APPEND), ("empty", WR | TRUNC | CREATE)] {
        world.say(What::Inherit { fd: 0, flags: flags as u32, path: path.into(), stat: world.get(path).unwrap() });
    }
    world.fill("old", 8).expect("in", "old");
}

#[test]
fn an_output_that_ends_as_a_link_or_folder_is_none() {
    let world = world();
    world.save("out");
    world.tree.borrow_mut().get_mut("out").unwrap().mode = u64::from(libc::S_IFLNK);
    world.expect("", "");
}

#[test]
fn a_name_truncated_by_path_is_an_output_when_it_changed() {
    let world = world();
    world.say(What::Truncate { path: b"old".into(), before: world.get("old").unwrap() });
    world.say(What::Truncate { path: b"in".into(), before: world.get("in").unwrap() });
    world.fill("old", 4).expect("", "old");
}

#[test]
fn a_file_made_by_mknod_is_an_output() {
    let world = world();
    let stat = world.put("node", 0);
    world.say(What::Create { path: b"node".into(), stat });
    world.expect("", "node+");
}

#[test]
fn ten_thousand_scratch_files_cost_no_square() {
    let world = world();
    for number in 0..10_000 {
        let path = format!("scratch{number}");
        world.save(&path).unlink(&path);
    }
    world.expect("", "");
}
