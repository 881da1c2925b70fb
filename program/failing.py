"""What an error of the system or of SQLite means to whoever typed a command: what happened, to
which thing, and what to do next. Knows nothing of what was done.
"""

import errno
import sqlite3

RUN_AS_OWNER = "Run it as the user who owns the folder."
MAKE_ROOM = "Make room, and run it again."
WRITABLE = (
    "See why (the kernel's log), and mount it for writing; verify and backup read it as it is."
)
VERIFY = "See `noclobber verify`."

OF_THE_SYSTEM = {
    errno.EACCES: RUN_AS_OWNER,
    errno.EPERM: RUN_AS_OWNER,
    errno.ENOSPC: MAKE_ROOM,
    errno.EDQUOT: MAKE_ROOM,
    errno.EROFS: WRITABLE,
}
OF_SQLITE = {
    "SQLITE_CANTOPEN": RUN_AS_OWNER,
    "SQLITE_PERM": RUN_AS_OWNER,
    "SQLITE_READONLY": RUN_AS_OWNER,
}


def told(error: Exception) -> str:
    if isinstance(error, OSError):
        what = f"{error.filename}: " if error.filename else ""
        advice = OF_THE_SYSTEM.get(error.errno or 0, "")
        return f"{what}{error.strerror or error}. {advice}".rstrip()
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_FULL":
            return f"The disk is full on which an index is written. {MAKE_ROOM}"
        found = (advice for kind, advice in OF_SQLITE.items() if name.startswith(kind))
        return f"The index cannot be used: {error}. {next(found, VERIFY)}"
    return f"The index cannot be used: {error}. {VERIFY}"
