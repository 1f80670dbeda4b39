#: about = "the sqlite3 shell: import, query into a file, dump, vacuum into another one"
#: needs = ["program:sqlite3"]
#: reads = ["rows.csv"]
#: writes = ["base.db", "count.txt", "small.db"]
#: [before]
#: "rows.csv" = "1,a\n2,b\n"
set -e
sqlite3 base.db 'create table t(n, s)' '.import --csv rows.csv t'
sqlite3 base.db 'select count(*) from t' > count.txt
sqlite3 base.db "vacuum into 'small.db'"
