#: about = "in-place editing by sed and perl, with backups and without; an edit that changes nothing"
#: needs = ["program:perl"]
#: reads = ["sed.txt", "sed_bak.txt", "perl.txt", "perl_bak.txt", "same.txt"]
#: writes = ["sed.txt", "sed_bak.txt", "sed_bak.txt.orig", "perl.txt", "perl_bak.txt", "perl_bak.txt~", "same.txt"]
#: [before]
#: "sed.txt" = "old\n"
#: "sed_bak.txt" = "old\n"
#: "perl.txt" = "old\n"
#: "perl_bak.txt" = "old\n"
#: "same.txt" = "other\n"
set -e
sed -i s/old/new/ sed.txt same.txt
sed -i.orig s/old/new/ sed_bak.txt
perl -pi -e s/old/new/ perl.txt
perl -pi~ -e s/old/new/ perl_bak.txt
