#: about = "a rotating log handler that continues an old log"
#: reads = ["app.log"]
#: writes = ["app.log", "app.log.1", "app.log.2"]
#: [before]
#: "app.log" = "a line of yesterday, long enough to be rotated at once by the first record\n"
import logging.handlers

handler = logging.handlers.RotatingFileHandler("app.log", maxBytes=100, backupCount=2)
log = logging.getLogger("case")
log.addHandler(handler)
for number in range(8):
    log.warning("record %d with some text around it, forty bytes", number)
