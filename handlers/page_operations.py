"""The operations of the page and of what it offers, as data; `operations` has those of the tree."""

from typing import Final

from handlers.operation import (
    ANYTHING,
    FIELDS,
    ZIP,
    Answer,
    Operation,
    as_page,
    in_json,
)

ARCHIVE: Final = "/archive/"
PATH: Final = ("bad-name", "not-there", "not-allowed")
LISTED: Final = ("sort", "desc", "after", "limit")

# fmt: off
OF_THE_PAGE: Final = (
    Operation("GET", "/browse/{path}", "A folder as a page", ("path", *LISTED),
              (as_page("The page of the folder."),
               Answer(308, "To the file, or to the folder with its slash.",
                      headers=("Location",))), PATH),
    Operation("GET", "/browse/", "The top folder as a page", LISTED,
              (as_page("The page of the top folder."),), PATH),
    Operation("GET", "/session", "Who is signed in on the page", ("next",),
              (in_json(200, "Who it is.", "Session", page=True),)),
    Operation("POST", "/session", "Sign in on the page or out, change one's password", (),
              (in_json(200, "Signed in; the cookie stands for it.", "Session"),
               Answer(303, "Signed in or out; for browsers.", headers=("Location",))),
              ("body-stalled", "body-too-short", "not-there"), (FIELDS,),
              "The fields are `user`, `password`, `code` where the user has a second factor, and"
              " `next` for where to go then; or `sign_out`; or, with the present `password` (and a"
              " `code`), `new_password` or what to `end`: `others` for all"
              " sessions of the user but this one, or the id of one, which the page at this"
              " address tells. Programs need no session: they send Basic or Bearer"
              " credentials."),
    *(
        Operation(
            method, address, "Take a folder, or some of what is in it, as one ZIP file",
            ("path", "entry") if address != ARCHIVE else ("entry",),
            (Answer(200, "The ZIP file, made while it is sent.", ((ZIP, ()),),
                    ("Content-Disposition",)),),
            (*PATH, "damaged", "too-many-uploads",
             *(("body-stalled", "body-too-short") if method == "POST" else ())),
            (FIELDS,) if method == "POST" else (),
            "`entry` names something in the folder, and may be repeated; without it all of the"
            " folder comes. What the caller may not read is left out. With POST the names stand"
            " in the fields of a form, as many as are wanted.",
        )
        for address in (ARCHIVE, ARCHIVE + "{path}")
        for method in ("GET", "POST")
    ),
    Operation("GET", "/static/page/{name}", "Parts of the page's script", ("name",),
              (Answer(200, "A script or its style sheet, compressed where that is accepted.",
                      ((ANYTHING, ()),)),), ("not-there",)),
    Operation("GET", "/static/{name}", "Parts of the pages", ("name",),
              (Answer(200, "A style sheet or an icon.", ((ANYTHING, ()),)),), ("not-there",)),
)
# fmt: on
