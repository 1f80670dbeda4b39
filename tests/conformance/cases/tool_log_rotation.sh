#: about = "two ways of rotating a log: rename the chain, or copy and cut"
#: reads = ["app.log", "app.log.1", "web.log"]
#: writes = ["app.log", "app.log.1", "app.log.2", "web.log", "web.log.1"]
#: [before]
#: "app.log" = "today"
#: "app.log.1" = "yesterday"
#: "app.log.2" = "dropped by the rename over it"
#: "web.log" = "requests"
set -e
mv app.log.1 app.log.2
mv app.log app.log.1
echo started > app.log
cp web.log web.log.1
: > web.log
