#: about = "perl: read-write opens, rename, link, truncate, sysopen"
#: needs = ["program:perl"]
#: reads = ["rw.txt", "moved.txt"]
#: writes = ["rw.txt", "there.txt", "cut.txt", "sys.txt"]
#: [before]
#: "rw.txt" = "abc"
#: "moved.txt" = "m"
#: "cut.txt" = "0123456789"
exec perl -MFcntl -e '
open(my $f, "+<", "rw.txt") or die; my $l = <$f>; seek($f, 0, 0); print $f uc $l; close $f;
rename("moved.txt", "there.txt") or die; truncate("cut.txt", 2) or die;
sysopen(my $s, "sys.txt", O_WRONLY | O_CREAT | O_EXCL) or die; print $s "x"; close $s;'
