"""The dangers that the server was built against, numbered, each with the tests that hold it.

A test is named by its module under `tests/` and its function. What does not apply says why.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """`why`: for what has no test, the reason; for what has, what is weaker than could be."""

    danger: str
    tests: tuple[str, ...] = ()
    why: str = ""


R, N = "security/test_requests::", "test_names::"
RIGHTS = (
    "security/test_rights::test_each_row_is_carried_out_for_who_has_its_rights_and_for_nobody_else"
)
SMUGGLED = "security/test_smuggling::test_each_request_ends_where_the_standard_says_or_is_refused"
COUNTED = "security/test_smuggling::test_a_proxy_and_the_server_count_the_same_requests"
FLOOD = "security/test_floods::test_two_thousand_connections_and_few_files_keep_no_upload_out"
CONTENT = "security/test_oracles::test_no_answer_depends_on_whether_somebody_else_has_the_content"
TAKEN = "security/test_oracles::test_no_answer_depends_on_whether_somebody_else_has_taken_the_name"
TIMED = "security/test_oracles::test_content_that_only_others_have_takes_as_long_as_new"
ESCAPE = "security/test_escapes::test_no_name_leads_out_of_the_data_folder"
SHUT = "security/test_sandbox::test_a_process_that_is_shut_in_can_only_store"
FORMS = R + "test_no_form_costs_much_memory_or_time"
LOGGED = R + "test_no_secret_is_ever_logged"
HEADERS = R + "test_no_text_of_a_request_becomes_a_header_of_an_answer"
KEPT = R + "test_what_could_run_is_handed_out_to_be_kept"
BLOB = "test_disk::test_a_blob_is_read_only_alone_and_named_by_its_digest"
SHAPE = "test_shape::test_no_source_runs_programs_or_unpacks"
LOCKS = "test_shape::test_the_lock_files_name_no_index_and_pin_by_hash"
FUZZ = "test_fuzz::test_no_sequence_of_requests_makes_the_server_fail"

ITEMS: dict[int, Item] = {
    1: Item("what may be uploaded is not written down", ("test_docs::test_every_setting_is_documented_with_its_default", "test_docs::test_every_limit_has_its_answer")),
    2: Item("files larger than can be taken", ("test_refusals::test_too_large_is_refused_by_length_and_by_count", "test_memory::test_a_huge_upload_and_two_hundred_slow_ones_need_little_memory")),
    3: Item("a name that lies about the content", ("test_sniffing::test_an_extension_does_not_fit", "test_types::test_no_page_and_no_program_hides_behind_a_later_mark")),
    4: Item("archives that unpack to more than fits", (R + "test_nothing_is_unpacked", SHAPE)),
    5: Item("more than one's share", ("test_refusals::test_a_quota_counts_every_version_that_is_kept", "test_tus_collisions::test_what_may_still_come_counts_against_the_share")),
    6: Item("links and devices out of an archive", ("test_fuzz::test_no_form_makes_it_fail", SHUT)),
    7: Item("pictures that are huge once they are decoded", (SHAPE,), "no picture is ever decoded here"),
    8: Item("uploads that are run", (BLOB, KEPT)),
    9: Item("paths on the disk made from names", (BLOB, ESCAPE)),
    10: Item("names in an archive that lead out of it", (ESCAPE,), "names are checked before they are stored; archives are made of stored names"),
    11: Item("a file name for downloads out of the address", (KEPT,)),
    12: Item("file names that break out of their header", ("test_dispositions::test_a_name_goes_out_whole_and_breaks_out_of_nothing", "test_dispositions::test_what_we_send_we_would_read")),
    13: Item("known malicious content", ("security/test_scanning::test_what_is_found_is_refused_at_every_door_and_leaves_no_byte", "security/test_scanning::test_a_scanner_that_is_away_stops_uploads_and_nothing_else", "security/test_scanning::test_until_the_verdict_there_is_no_such_name_and_no_such_content"), "where a scanner is set; by default none is, and what is served runs in no browser"),
    14: Item("extensions that hide behind others", (N + "test_each_trick_is_refused_by_its_own_rule", KEPT)),
    15: Item("names that are too long", (N + "test_a_name_may_have_255_bytes_and_no_more", N + "test_a_path_may_have_4096_bytes_and_32_names_and_no_more")),
    16: Item("uploads by strangers", (RIGHTS, "security/test_strangers::test_slow_uploads_of_one_stranger_keep_no_other_out", "security/test_strangers::test_uploads_that_one_stranger_begins_leave_room_for_those_of_others")),
    17: Item("a folder that is served as it is", (R + "test_nothing_is_served_from_a_folder",)),
    18: Item("forms that other sites send", ("test_refusals::test_what_the_headers_decide_is_refused_and_nothing_is_stored", "test_protocol::test_a_page_of_another_host_does_not_pass_by_an_absolute_address")),
    19: Item("small questions with huge answers", (R + "test_many_small_questions_for_a_large_file_need_little_memory",)),
    20: Item("packages with known holes", (LOCKS, "security/test_items::test_no_package_is_older_than_its_last_known_hole")),
    21: Item("requests whose end is read in two ways", (SMUGGLED, COUNTED)),
    22: Item("the rest of a refused body, read as a request", ("test_refusals::test_what_follows_a_refused_body_is_never_taken_for_a_request", SMUGGLED)),
    23: Item("bodies that are invited in vain", ("test_refusals::test_a_body_that_is_refused_from_its_headers_is_never_invited",)),
    24: Item("headers that drip", ("security/test_floods::test_a_head_that_drips_is_ended_also_behind_a_request", "test_server::test_who_connects_and_says_nothing_is_hung_up_on", FLOOD)),
    25: Item("bodies that drip", ("security/test_floods::test_bodies_that_drip_are_ended_and_keep_no_upload_out", "test_refusals::test_a_body_that_stands_still_is_ended", "test_refusals::test_a_body_that_drips_is_ended", "test_lending::test_a_lent_body_that_drips_is_alive_but_too_slow")),
    26: Item("readers who take nothing", ("test_sending::test_who_takes_nothing_is_hung_up_on", R + "test_many_small_questions_for_a_large_file_need_little_memory", "test_webdav_memory::test_listings_that_nobody_takes_need_little_memory_and_are_bounded")),
    27: Item("connections without number", (FLOOD, "security/test_floods::test_who_is_being_served_does_not_make_way", "security/test_strangers::test_busy_connections_of_one_address_keep_no_other_out_and_a_further_one_is_told", "security/test_strangers::test_one_connection_too_many_is_answered_and_closed")),
    28: Item("headers without number or end", ("test_protocol::test_what_cannot_be_read_is_refused_in_our_language", SMUGGLED)),
    29: Item("forms that explode", (FORMS, "test_form_reading::test_what_belongs_to_no_part_is_not_read_without_end", "test_form_reading::test_no_bytes_make_the_parser_fail_in_a_way_of_its_own", "test_shape::test_no_source_asserts")),
    30: Item("compressed bodies that explode", (R + "test_nothing_is_unpacked",)),
    31: Item("ranges without number", ("test_ranges::test_ten_thousand_ranges_cost_nothing", "test_ranges::test_a_range_is_read_by_the_table")),
    32: Item("text that becomes a header", (HEADERS,)),
    33: Item("methods that nobody thought of", (R + "test_a_method_that_is_not_taken_does_nothing", R + "test_no_answer_without_a_body_has_one")),
    34: Item("names of hosts that are not ours", ("test_protocol::test_the_host_that_is_asked_is_ours_or_refused",)),
    35: Item("forged addresses of clients", ("test_proxies::test_nobody_whom_we_do_not_trust_changes_his_address", "test_proxies::test_no_other_forwarded_header_changes_an_answer")),
    36: Item("requests that other sites make through a visitor", ("test_refusals::test_what_the_headers_decide_is_refused_and_nothing_is_stored",)),
    37: Item("other origins that read answers", ("test_cors::test_no_other_origin_is_reflected", "test_cors::test_without_configured_origins_nothing_is_said_of_origins")),
    38: Item("pages in frames of others", (RIGHTS,), "the headers of every answer are judged row by row; HSTS is the proxy's"),
    39: Item("lines and secrets in the log", (LOGGED, "test_server::test_the_log_is_json_where_wanted_and_no_request_breaks_a_line", "test_server::test_plain_lines_hide_nothing_either")),
    40: Item("a verb or a side path without its check", (RIGHTS, "security/test_rights::test_each_method_of_each_address_has_a_row", "security/test_rights::test_the_table_of_operations_has_all_routes")),
    41: Item("rights that outlive their end", ("trust/test_replacing::test_who_was_removed_while_an_upload_came_in_stores_nothing", "test_accounts::test_changes_count_from_the_next_request")),
    42: Item("links that outlive what they were made for", (), "there are no share links"),
    43: Item("a refusal that tells of what may not be read", ("test_collisions::test_a_refusal_shows_nothing_of_what_the_sender_may_not_read", TAKEN)),
    44: Item("asking for a content by its digest", (CONTENT, "test_claims::test_content_that_others_have_is_answered_like_one_that_nobody_has")),
    45: Item("getting a content by its digest", (CONTENT, "test_claims::test_a_digest_without_bytes_is_wrong_unless_a_link_is_asked_for")),
    46: Item("a declared digest that is believed", ("test_refusals::test_a_declared_digest_is_verified_and_then_known_before_the_body", "test_claims::test_the_identity_of_a_content_is_verified_where_its_bytes_come")),
    47: Item("time that tells what others have", (TIMED, "test_preflight::test_of_a_content_that_only_others_hold_as_much_is_asked_as_of_an_unknown_one")),
    48: Item("numbers that tell what others have", (CONTENT, "test_health::test_hidden_metrics_look_like_an_address_that_does_not_exist")),
    49: Item("a deletion that takes the bytes of others", ("test_collecting::test_bytes_stay_while_another_name_has_them", "test_collecting::test_claims_and_deletions_of_one_content_never_outrun_the_collector")),
    50: Item("guessing at what a file holds, by what is known of the rest", (CONTENT, TIMED), "one content is stored once for all; nothing that is answered or timed tells so"),
    51: Item("weak digests", (R + "test_what_looks_alike_at_both_ends_is_told_apart", "test_blobs::test_equal_bytes_have_equal_digests_however_they_are_cut")),
    52: Item("uploads of others that are under way", (RIGHTS, "test_tus_lies::test_nobody_else_learns_that_there_is_an_upload")),
    53: Item("lengths and offsets that lie", ("test_tus_lies::test_lengths_that_lie_are_refused", "test_tus_lies::test_pieces_that_lie_are_refused_and_change_nothing")),
    54: Item("answers that belong to somebody else's key", ("test_idempotency::test_a_key_is_one_of_its_sender_method_and_address", "test_first_answers::test_a_digest_and_a_key_of_somebody_else_open_nothing")),
    55: Item("signed addresses that sign too little", (), "there are no signed addresses"),
    56: Item("overwriting without the right or the version", (RIGHTS, "test_conditions::test_if_match_compares_strongly_and_if_none_match_weakly", "test_races::test_of_writers_on_one_etag_exactly_one_replaces")),
    57: Item("inner workings that are open to all", ("test_health::test_a_running_server_is_alive_and_ready_and_says_nothing_else", "test_health::test_what_a_proxy_on_this_machine_forwards_is_not_this_machine")),
    58: Item("paths that climb", (ESCAPE, N + "test_each_trick_is_refused_by_its_own_rule", SHUT)),
    59: Item("links that lead out", (SHUT, "security/test_swaps::test_no_swapped_folder_leads_an_upload_out", "test_lock::test_a_link_in_the_place_of_the_lock_is_not_followed", "test_disk_damage::test_a_damaged_blob_is_not_served_and_the_same_content_mends_it"), "where Landlock is switched off or missing, a folder of the data folder that is swapped for a link is followed"),
    60: Item("pipes and devices in place of files", ("test_disk_damage::test_a_damaged_blob_is_not_served_and_the_same_content_mends_it", "test_folders::test_a_file_that_became_a_link_or_a_pipe_is_not_read")),
    61: Item("two spellings of one name", (N + "test_two_spellings_collide_by_the_least_rule_that_makes_them_equal", N + "test_every_spelling_of_a_folder_is_one_place_for_rights"), "compatibility forms (full width) are names of their own"),
    62: Item("characters that cannot be seen", (N + "test_each_trick_is_refused_by_its_own_rule", "test_pages::test_names_are_isolated_from_the_direction_of_what_stands_around_them")),
    63: Item("names that Windows reads otherwise", (N + "test_the_devices_of_windows_are_refused_in_any_case_and_with_any_extension",)),
    64: Item("names with a meaning", (R + "test_no_name_has_a_meaning_to_the_server",)),
    65: Item("names that are no text", (N + "test_any_bytes_decode_or_are_a_bad_name", FUZZ)),
    66: Item("names that become patterns or statements", (ESCAPE, "index/test_sqlite_plans::test_no_statement_scans_what_can_be_large", "test_access::test_a_name_that_merely_begins_like_a_folder_is_not_in_it")),
    67: Item("downloads that run in a browser", (KEPT, "test_parked::test_the_bytes_can_be_read_and_no_browser_runs_them")),
    68: Item("a type that its sender chose", (KEPT, "test_odd_bytes::test_a_file_may_claim_a_type_that_is_not_utf_8")),
    69: Item("names that become markup", ("test_pages::test_no_name_escapes_from_the_text_of_a_page", HEADERS)),
    70: Item("redirects to elsewhere", (R + "test_a_redirect_leads_nowhere_else",)),
    71: Item("private answers in shared caches", (RIGHTS, KEPT)),
    72: Item("errors that tell of the inside", (FUZZ, ESCAPE, "index/test_sqlite_failing::test_no_caller_reads_the_words_of_the_driver")),
    73: Item("passwords that are cheap to try", ("test_accounts::test_a_password_that_is_tried_first_is_nobodys", "test_accounts::test_the_file_is_private_and_holds_no_secret", "test_accounts::test_many_logins_do_not_stop_the_loop")),
    74: Item("time that tells who is registered", ("test_accounts::test_a_verified_password_is_remembered_and_an_unknown_user_costs_as_much_as_a_known_one",)),
    75: Item("tokens that can be guessed or read", ("security/test_items::test_no_secret_is_compared_in_a_way_that_takes_its_own_time", "test_accounts::test_the_file_is_private_and_holds_no_secret")),
    76: Item("guessing", ("security/test_guesses::test_another_address_of_the_same_network_gives_no_more_guesses", R + "test_nobody_may_guess_on_any_door", "test_secrecy_in_time::test_guesses_that_come_together_are_counted_one_by_one")),
    77: Item("a server that is open by default", ("test_server::test_others_are_let_in_only_when_somebody_has_said_so",)),
    78: Item("files that others on the machine can read", ("test_server::test_the_data_folder_is_private", "test_accounts::test_the_file_is_private_and_holds_no_secret")),
    79: Item("cookies that leak", ("page/test_people::test_who_goes_back_after_somebody_signed_out_sees_nothing_of_theirs", "test_sessions::test_who_signs_in_is_known_until_they_sign_out")),
    80: Item("no TLS", ("security/test_tls::test_only_new_versions_and_ciphers_that_keep_past_words_secret_are_agreed_on", "security/test_tls::test_who_comes_without_tls_is_led_to_it_as_a_person_and_refused_as_a_program"), "TLS is the proxy's; the one of the operating page is tried"),
    81: Item("one who takes all the room", ("test_refusals::test_the_reserve_of_free_space_is_kept", "test_changes::test_a_number_of_waiting_requests_is_bounded_for_one_and_for_all", "test_preflighting::test_so_many_preflights_at_once_are_taken_of_one")),
    82: Item("libmagic, which reads hostile bytes", ("test_sniffing::test_what_libmagic_hangs_on_is_unknown_and_the_next_is_told_by_a_new_thread", "test_sniffing::test_what_libmagic_breaks_on_is_unknown_and_the_next_is_told", SHUT), "in threads of the server, which is shut in, not in a process of its own"),
    83: Item("a process that may do all its user may", (SHUT, "security/test_sandbox::test_the_server_is_shut_in_unless_told_otherwise_and_serves_as_ever")),
    84: Item("a service that may do too much", ("security/test_deploying::test_the_unit_leaves_little_exposed",)),
    85: Item("code that is made from input", (SHAPE, "test_webdav_xml::test_whatever_comes_is_an_element_or_refused_in_words")),
    86: Item("packages that somebody exchanged", (LOCKS, "test_shape::test_both_lock_files_agree", "test_shape::test_no_source_asserts", "test_optimized::test_without_asserts_every_promise_is_kept")),
    87: Item("parsers that nobody has tried to break", (FUZZ, "test_fuzz::test_no_bytes_in_place_of_a_request_make_it_fail", "test_contract_fuzz::test_no_answer_to_anybody_breaks_the_contract")),
    88: Item("dangers that nobody has written down", ("security/test_items::test_each_test_that_a_document_names_is_there",)),
}  # fmt: skip
