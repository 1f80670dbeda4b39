#: about = "sqlite: an old database in WAL mode, a new one with a rollback journal, one that is only read"
#: setup = '''
#: "$PYTHON" -c "
#: import sqlite3
#: for name, script in ('wal.db', 'pragma journal_mode=wal; create table t(x);'), ('read.db', 'create table t(x);'):
#:     sqlite3.connect(name).executescript(script)"
#: '''
#: reads = ["wal.db", "read.db"]
#: writes = ["wal.db", "new.db"]
import sqlite3

wal = sqlite3.connect("wal.db")
wal.executemany("insert into t values (?)", [(n,) for n in range(100)])
wal.commit()
second = sqlite3.connect("wal.db")
second.execute("select count(*) from t").fetchone()
second.close()
wal.close()
new = sqlite3.connect("new.db")
new.execute("create table t(x)")
new.execute("insert into t values (1)")
new.rollback()
new.close()
read = sqlite3.connect("read.db")
read.execute("select * from t").fetchall()
read.close()
