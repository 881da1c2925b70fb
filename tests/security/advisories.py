"""What was found in servers like this one, asked of ours. In own words: what went wrong there.

Each is replayed (`asked`: every request is refused or harmless), or held by tests that ask it in
full, or not possible here for the reason given. Ids are those under which they were published; one
that has none is named by its project and change.
"""

from dataclasses import dataclass

Asked = tuple[str, str, dict[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Advisory:
    id: str
    what: str
    asked: tuple[Asked, ...] = ()
    held_by: tuple[str, ...] = ()
    not_here: str = ""


def ask(method: str, target: str, body: bytes = b"", **headers: str) -> Asked:
    return method, target, {name.replace("_", "-"): value for name, value in headers.items()}, body


def held(id_: str, what: str, *tests: str) -> Advisory:
    return Advisory(id_, what, held_by=tests)


def not_here(id_: str, what: str, why: str) -> Advisory:
    return Advisory(id_, what, not_here=why)


def replay(id_: str, what: str, *asked: Asked) -> Advisory:
    return Advisory(id_, what, asked=asked)


RIGHTS = (
    "security/test_rights::test_each_row_is_carried_out_for_who_has_its_rights_and_for_nobody_else"
)
SMUGGLED = "security/test_smuggling::test_each_request_ends_where_the_standard_says_or_is_refused"
ESCAPE = "security/test_escapes::test_no_name_leads_out_of_the_data_folder"
HEADERS = "security/test_requests::test_no_text_of_a_request_becomes_a_header_of_an_answer"
KEPT = "security/test_requests::test_what_could_run_is_handed_out_to_be_kept"
FORMS = "security/test_requests::test_no_form_costs_much_memory_or_time"
UNPACKED = "security/test_requests::test_nothing_is_unpacked"
REDIRECT = "security/test_requests::test_a_redirect_leads_nowhere_else"
LOGGED = "security/test_requests::test_no_secret_is_ever_logged"
GUESSES = "security/test_requests::test_nobody_may_guess_on_any_door"
SHUT = "security/test_sandbox::test_a_process_that_is_shut_in_can_only_store"
CONTENT = "security/test_oracles::test_no_answer_depends_on_whether_somebody_else_has_the_content"
FORM_BYTES = "test_form_reading::test_no_bytes_make_the_parser_fail_in_a_way_of_its_own"
REMOVED = "trust/test_replacing::test_who_was_removed_while_an_upload_came_in_stores_nothing"
PAGES = "test_pages::test_no_name_escapes_from_the_text_of_a_page"
RANGES = "test_ranges::test_ten_thousand_ranges_cost_nothing"
KNOWN = "test_accounts::test_a_verified_password_is_remembered_and_an_unknown_user_costs_as_much_as_a_known_one"
COLLECTED = "test_collecting::test_claims_and_deletions_of_one_content_never_outrun_the_collector"
UNSEEN = "test_protocol::test_what_cannot_be_read_is_refused_in_our_language"

NO_SHARES = "there are no share links"
NO_COMMANDS = "no program is ever run"
NO_STATIC = "no folder is served as it is"

ADVISORIES: tuple[Advisory, ...] = (
    # copyparty
    replay("CVE-2023-37474", "a path under an internal prefix read any file", ask("GET", "/.cpr/%2Fetc%2Fpasswd"), ask("GET", "/static/%2Fetc%2Fpasswd"), ask("GET", "/static/..%2F..%2F..%2F..%2Fetc%2Fpasswd")),
    replay("CVE-2023-38501", "a parameter was reflected into a page", ask("GET", "/files/?k304=y%0d%0a%0d%0a%3Cimg+src%3Dx+onerror%3Dalert(1)%3E", Accept="text/html"), ask("GET", "/files/?hc=%3Cscript%3Ealert(1)%3C/script%3E", Accept="text/html")),
    replay("GHSA-cw7j-v52w-fp5r", "a parameter was reflected into a page", ask("GET", "/browse/?hc=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", Accept="text/html")),
    replay("CVE-2023-41471", "a page of the server ran what a name held", ask("GET", "/files/%3Cscript%3Ealert(1)%3C%2Fscript%3E", Accept="text/html")),
    held("CVE-2025-54423", "tags of a media file ran in the page", KEPT, PAGES),
    replay("CVE-2025-54589", "a filter was reflected into a page", ask("GET", "/browse/?ru&filter=%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E", Accept="text/html")),
    not_here("CVE-2025-58753", "a share of one file gave its neighbours, too", NO_SHARES),
    replay("CVE-2026-27948", "a parameter set a cookie and was reflected", ask("GET", "/?setck=a=%3Cscript%3E"), ask("GET", "/browse/?setck=a=b%0d%0aX:+y", Accept="text/html")),
    replay("CVE-2026-104102", "encoded dots met the prefix of a mount", ask("GET", "/dav/%2e%2e/%2e%2e/etc/passwd"), ask("GET", "/remote.php/webdav/%2e%2e%2f%2e%2e%2fetc/passwd")),
    not_here("copyparty: reused keys of shares", "a new file came under the share of an old one", NO_SHARES),
    held("copyparty 1.14.3", "deduplication lost data", COLLECTED),
    held("copyparty 1.9.26", "deleting a file broke its copies", "test_collecting::test_bytes_stay_while_another_name_has_them"),
    held("copyparty 1.6.7", "a race lost data", "test_races::test_of_uploads_to_one_name_over_both_doors_exactly_one_is_created"),
    # filebrowser
    held("CVE-2021-37794", "an SVG ran in the page of an admin", KEPT),
    held("CVE-2023-39612", "an HTML file ran in the page", KEPT),
    held("CVE-2025-52900", "files on the disk could be read by all", "test_server::test_the_data_folder_is_private"),
    replay("CVE-2025-52901", "the token stood in the address", ask("GET", "/files/?auth=token"), ask("GET", "/files/?token=token&access_token=token")),
    held("CVE-2025-52902", "Markdown ran in a preview", KEPT, "test_pages::test_the_first_lines_of_a_text_are_shown_harmless"),
    not_here("CVE-2025-52903", "allowed commands could start others", NO_COMMANDS),
    not_here("CVE-2025-52904", "commands ran outside of the scope", NO_COMMANDS),
    held("CVE-2025-53826", "a session went on after signing out", "test_sessions::test_who_signs_in_is_known_until_they_sign_out", "test_sessions::test_another_password_ends_the_sessions_of_the_old_one"),
    not_here("CVE-2025-64523", "anybody could delete a share", NO_SHARES),
    held("CVE-2026-23849", "time told who is registered", KNOWN),
    held("CVE-2026-29188", "deleting by the door for pieces needed the right to create only", RIGHTS),
    held("CVE-2026-32759", "a negative length of an upload in pieces was taken", "test_tus_lies::test_lengths_that_lie_are_refused"),
    not_here("CVE-2026-32761", "who might not download could share", NO_SHARES),
    held("CVE-2026-34529", "an EPUB ran in the page", KEPT),
    not_here("CVE-2026-35604", "a share outlived the rights of its maker", NO_SHARES),
    replay("CVE-2026-54089", "a header named the user, whoever sent it", ask("DELETE", "/files/canary", X_Forwarded_User="ann", Remote_User="ann", X_Remote_User="ann", Authorization="Bearer none"), ask("GET", "/ocs/v1.php/cloud/user", X_Forwarded_User="ann", X_Auth_Request_User="ann")),
    held("CVE-2026-54094", "links in the scope led out of it", SHUT, "test_lock::test_a_link_in_the_place_of_the_lock_is_not_followed"),
    held("CVE-2026-54097", "deleting a name deleted what others had under names that begin alike", "test_access::test_a_name_that_merely_begins_like_a_folder_is_not_in_it"),
    held("GHSA-7rc3-g7h6-22m7", "two users had one home after their names were folded", "test_accounts::test_names_that_cannot_be_are_refused", "test_names::test_every_spelling_of_a_folder_is_one_place_for_rights"),
    held("GHSA-83xp-526h-j3ww", "names in a downloaded archive led out of it", ESCAPE),
    not_here("GHSA-j9jx-hp4c-ghhh", "rules were judged by the path within a share", NO_SHARES),
    # dufs
    held("dufs #670", "a link led out of the root", SHUT),
    replay("dufs #627", "tokens of any length were taken", ask("GET", "/files/", Authorization="Bearer " + "x" * 7000), ask("GET", "/files/", Authorization="Basic " + "eDp4" * 1500)),
    replay("dufs #669", "a plain listing was not escaped", ask("GET", "/files/?simple&sort=%3Cb%3E", Accept="text/html")),
    held("dufs #691", "control characters went into the log", "test_server::test_plain_lines_hide_nothing_either"),
    held("dufs #93", "the goal of a move was not judged", RIGHTS),
    held("dufs #449", "a colon in a password cut it off", "test_accounts::test_a_user_is_known_by_the_right_password_only"),
    held("dufs #521", "a path with more rights hid one with less", "test_access::test_a_folder_with_grants_of_its_own_is_ruled_by_those_alone"),
    # WsgiDAV, Radicale, goshs, SFTPGo
    held("CVE-2022-41905", "a name ran in a listing", PAGES),
    replay("CVE-2026-48099", "encoded dots led out of a share", ask("GET", "/dav/..%5c..%5cetc/passwd"), ask("MOVE", "/dav/canary", Destination="/dav/%2e%2e/%2e%2e/x"), ask("COPY", "/dav/canary", Destination="/dav/..%2f..%2fx")),
    replay("CVE-2015-8747", "a path led out of the storage", ask("PUT", "/dav/%2e%2e%2f%2e%2e%2fx", b"x"), ask("MKCOL", "/dav/a%00b")),
    replay("CVE-2015-8748", "a name was read as a pattern", ask("GET", "/dav/.*"), ask("GET", "/files/can.*"), ask("GET", "/files/%25"), ask("GET", "/files/canar_")),
    held("CVE-2017-8342", "time told of passwords", KNOWN),
    replay("CVE-2026-35393", "a posted form wrote anywhere", ask("POST", "/files/%2e%2e/%2e%2e/", b'--b\r\nContent-Disposition: form-data; name="file"; filename="../../x"\r\n\r\nx\r\n--b--\r\n', Content_Type="multipart/form-data; boundary=b"), ask("POST", "/files/", b'--b\r\nContent-Disposition: form-data; name="file"; filename="../../x"\r\n\r\nx\r\n--b--\r\n', Content_Type="multipart/form-data; boundary=b")),
    held("GHSA-966r-mw4j-rv64", "overwriting passed where deleting was forbidden", RIGHTS),
    replay("goshs GHSA-hq33", "an access file could be read and written", ask("GET", "/files/.goshs"), ask("GET", "/files/../accounts.json"), ask("GET", "/files/%2e%2e/data/accounts.json")),
    replay("goshs GHSA-rjrw", "a method that was not meant answered with a file", ask("TRACE", "/files/canary"), ask("PATCH", "/files/canary", b"x")),
    held("goshs GHSA-6m5c", "another site could send forms", "test_refusals::test_what_the_headers_decide_is_refused_and_nothing_is_stored"),
    held("SFTPGo 2.7.4", "a forged form went on after its error page", "test_refusals::test_what_the_headers_decide_is_refused_and_nothing_is_stored"),
    # Gogs, git-lfs, zot, Quay, images
    held("CVE-2025-8110", "a link was written through", SHUT),
    held("CVE-2026-25921", "content was stored under a digest that nobody verified", "test_refusals::test_a_declared_digest_is_verified_and_then_known_before_the_body"),
    held("CVE-2026-52811", "a link was swapped in meanwhile", SHUT),
    replay("CVE-2024-54148", "a path of an edited file led out", ask("POST", "/files/canary?move=..%2f..%2fx"), ask("POST", "/files/canary?copy=%2e%2e/x")),
    held("CVE-2025-26625", "writing followed a link out of the tree", SHUT),
    held("CVE-2024-39897", "a cache of content let anybody read by digest", CONTENT),
    held("CVE-2026-32589", "uploads of others could be touched", RIGHTS, "test_tus_lies::test_nobody_else_learns_that_there_is_an_upload"),
    replay("CVE-2024-3727", "a digest became a path unchecked", ask("PUT", "/files/x", Repr_Digest="sha-256=:Li4vLi4vZXRjL3Bhc3N3ZA==:", Prefer="same-content=link"), ask("POST", "/preflight", b'{"items": [{"path": "x", "size": 1, "digest": "blake3:../../etc/passwd"}]}', Content_Type="application/json")),
    # MinIO, Nextcloud, ownCloud
    replay("CVE-2023-28432", "an inner address told the environment", ask("POST", "/minio/bootstrap/v1/verify"), ask("GET", "/env"), ask("GET", "/debug/vars"), ask("GET", "/.env")),
    not_here("CVE-2025-31489", "a signature was not verified", "there are no signed requests"),
    replay("CVE-2026-42600", "a path in a body led out", ask("POST", "/preflight", b'{"items": [{"path": "../../x", "size": 1}], "reserve": 60}', Content_Type="application/json"), ask("POST", "/uploads/", Tus_Resumable="1.0.0", Upload_Length="1", Upload_Metadata="filename Li4vLi4veA==")),
    held("CVE-2026-97731", "the source of a copy was not signed, nor judged", RIGHTS),
    replay("CVE-2020-11012", "an empty secret let in", ask("DELETE", "/files/canary", Authorization="Basic Og=="), ask("DELETE", "/files/canary", Authorization="Basic YW5uOg=="), ask("DELETE", "/files/canary", Authorization="Bearer ")),
    held("CVE-2016-9461", "COPY skipped the rights", RIGHTS),
    held("CVE-2021-37628", "a folder for uploads alone could be read", "test_secrecy::test_a_drop_box_takes_files_and_tells_nothing"),
    held("GHSA-mr7q", "the door of WebDAV did not slow guessing", GUESSES),
    # aiohttp
    held("CVE-2021-21330", "two slashes redirected elsewhere", REDIRECT),
    held("CVE-2023-37276", "bytes between requests were read as one", SMUGGLED),
    held("CVE-2023-47627", "the parser in Python read lengths and headers loosely", SMUGGLED),
    held("CVE-2023-47641", "length and chunks together were read otherwise than before it", SMUGGLED),
    held("CVE-2023-49081", "a version of a request could hold a line end", UNSEEN),
    held("CVE-2024-23334", "links of a static folder led out", "security/test_requests::test_nothing_is_served_from_a_folder"),
    held("CVE-2024-23829", "the parser in Python took what the standard forbids", SMUGGLED),
    held("CVE-2024-27306", "the index of a static folder was not escaped", "security/test_requests::test_nothing_is_served_from_a_folder"),
    held("CVE-2024-30251", "a form without an end went round for ever", FORMS, FORM_BYTES),
    not_here("CVE-2024-42367", "compressed variants of a static folder led out", NO_STATIC),
    held("CVE-2024-52304", "line feeds in chunk extensions hid a request", SMUGGLED),
    held("CVE-2025-53643", "trailers hid a request from the parser in Python", SMUGGLED),
    held("CVE-2025-69223", "a compressed body became huge", UNPACKED),
    held("CVE-2025-69224", "digits of other alphabets were read by the parser in Python", SMUGGLED),
    held("CVE-2025-69225", "digits of other alphabets were read in ranges", "test_ranges::test_a_range_is_read_by_the_table"),
    not_here("CVE-2025-69226", "a static folder told which paths exist", NO_STATIC),
    held("CVE-2025-69227", "without assertions a form went round for ever", "test_shape::test_no_source_asserts", FORM_BYTES),
    held("CVE-2025-69228", "a form filled the memory", FORMS),
    replay("CVE-2025-69229", "a body in many small chunks took all the time", ask("PUT", "/files/chunks", b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n", Transfer_Encoding="chunked")),
    replay("CVE-2025-69230", "broken cookies filled the log", ask("GET", "/files/", Cookie="; ".join("a\x01=b" for _ in range(50)).replace("\x01", "\x09")), ask("GET", "/files/", Cookie="=;" * 900)),
    held("CVE-2026-22815", "trailers without number filled the memory", SMUGGLED),
    not_here("CVE-2026-34515", "a static folder opened paths of Windows", NO_STATIC),
    held("CVE-2026-34516", "headers of parts without number filled the memory", FORMS),
    held("CVE-2026-34517", "fields of forms were read before their size was judged", FORMS, "test_form::test_fields_that_mean_nothing_here_are_passed_over_within_bounds"),
    held("CVE-2026-34519", "the reason of a status could hold a line end", HEADERS),
    held("CVE-2026-34525", "two Host headers were taken", SMUGGLED),
    held("CVE-2026-54273", "requests behind one another filled the memory", "security/test_advisories::test_requests_behind_one_another_need_little_memory"),
    held("CVE-2026-54277", "a long line in many pieces filled the memory", "security/test_advisories::test_a_long_line_in_many_pieces_is_refused"),
    held("CVE-2026-54278", "a compressed body became huge in another way", UNPACKED),
    # multipart and its peers
    replay("CVE-2024-24762", "a pattern took for ever to read a content type", ask("POST", "/files/", b"x", Content_Type="application/x-www-form-urlencoded; !=" + '"' + "\\" * 3000)),
    held("CVE-2024-53981", "line ends before a form were logged one by one", FORMS),
    held("CVE-2026-24486", "an upload could be written elsewhere by its name", ESCAPE),
    replay("CVE-2026-28356", "a pattern took for ever to read a header of a part", ask("POST", "/files/", b"--b\r\nContent-Disposition: form-data" + b'; a="\\' * 800 + b"\r\n\r\nx\r\n--b--\r\n", Content_Type="multipart/form-data; boundary=b")),
    held("CVE-2026-40347", "a long preamble or epilogue took all the time", FORMS),
    held("CVE-2026-42561", "headers of parts without number", FORMS),
    not_here("CVE-2023-29159", "a static folder gave its neighbours", NO_STATIC),
    held("CVE-2023-30798", "fields without number filled the memory", FORMS),
    held("CVE-2025-54121", "a large part stopped the loop while it was put on the disk", "test_disk::test_a_slow_disk_stops_neither_the_loop_nor_fills_the_memory"),
    held("CVE-2025-62727", "many ranges took time by their square", RANGES),
    held("CVE-2023-25577", "parts without number filled the memory", FORMS),
    held("CVE-2023-46136", "a part that looks like a boundary took all the time", FORMS),
    # waitress, uvicorn, pypiserver, flysystem, jupyter, FastAPI, tornado
    held("CVE-2019-16785", "a line feed alone ended a line", SMUGGLED),
    held("CVE-2019-16786", "an unknown encoding was passed over", SMUGGLED),
    held("CVE-2019-16789", "odd spaces hid an encoding", SMUGGLED),
    held("CVE-2019-16792", "two lengths were read as one", SMUGGLED),
    held("CVE-2022-24761", "numbers were read loosely", SMUGGLED),
    held("CVE-2020-7694", "escapes went into the log", "test_server::test_plain_lines_hide_nothing_either"),
    held("CVE-2020-7695", "an address became a header", HEADERS),
    held("CVE-2019-6802", "an address became a header", HEADERS),
    held("CVE-2021-32708", "taking out odd spaces made another name", "test_names::test_any_text_is_a_path_that_spells_it_or_a_bad_name"),
    held("CVE-2022-24757", "secrets went into the log", LOGGED),
    held("CVE-2021-32677", "a form of another site was read as JSON", "test_refusals::test_what_the_headers_decide_is_refused_and_nothing_is_stored"),
    held("CVE-2012-2374", "a text became a header", HEADERS),
)  # fmt: skip
