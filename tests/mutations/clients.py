"""The services and the way to them: lists, answers, connections, and what may be shown of them."""

from tests.mutations.mutation import row

ROWS = (
    row(
        "A list ends where an answer names no next page, though it says nothing of pages",
        "daemon/clients/pages.py",
        (
            "return len(self.records) < self.size if self.following is None else not self.following",
            "return not self.following",
        ),
        "tests/unit/test_poll_poisoned.py::test_a_list_without_pagination_is_read_to_its_end",
    ),
    row(
        "A page that cannot be read is not asked for in smaller ones",
        "daemon/clients/pages.py",
        ("if size in _SMALLER:", "if size == 0:"),
        "tests/unit/test_poll_poisoned.py::test_a_spoilt_page_is_asked_for_again_in_smaller_ones",
    ),
    row(
        "A page without a record that can be read is no changed format",
        "daemon/clients/pages.py",
        (
            "if unread and self.readable == read_before and (new_list or len(unread) > 1):",
            "if unread is None:",
        ),
        "tests/unit/test_poll_poisoned.py::test_a_page_without_one_readable_record_is_a_changed_format",
    ),
    row(
        "Promise 8: what an answer says is shown as it is",
        "daemon/clients/http.py",
        ("' '.join(redacted(text, secret).split())[:200]", "' '.join(text.split())[:200]"),
        "tests/unit/clients/test_betterstack_answers.py::TestErrors::test_never_hold_the_token",
        "tests/e2e/test_promises.py::test_promise_8_neither_token_nor_secret_shows_anywhere",
    ),
    row(
        "The own lines of the HTTP library are heard",
        "daemon/clients/http.py",
        (".setLevel(logging.WARNING)", ".setLevel(logging.DEBUG)"),
        "tests/unit/host/test_log.py::TestLibraries::test_are_not_heard_chatting",
        "tests/unit/model/test_printable.py::test_no_http_library_chats",
    ),
    row(
        "A head that cannot be read is no answer",
        "daemon/clients/http.py",
        ("if status is None or isinstance(error, BodyError):", "if error:"),
        "tests/unit/clients/test_signl4_packing.py::test_a_status_counts_though_the_rest_of_the_answer_never_comes",
    ),
    row(
        "Reads have no deadline",
        "daemon/clients/stream.py",
        ("self._peer.settimeout(deadline.left(timeout, httpcore.ReadTimeout))", "self._peer.settimeout(timeout)"),
        "tests/unit/clients/test_http.py::test_a_slow_server_does_not_outlast_the_deadline",
    ),
    row(
        "The address of a certificate keeps its brackets",
        "daemon/clients/stream.py",
        ('server_hostname.strip("[]") if server_hostname else None', "server_hostname"),
        "tests/unit/clients/test_proxy.py::test_a_certificate_for_an_ipv6_address_is_judged_by_the_address",
    ),
    row(
        "Connections are made by the library's own backend",
        "daemon/clients/pool.py",
        ("            network_backend=Backend(),\n", ""),
        "tests/unit/clients/test_http.py::test_a_slow_server_does_not_outlast_the_deadline",
        "tests/unit/clients/test_proxy.py::test_a_slow_tunnel_does_not_outlast_the_deadline",
    ),
    row(
        "Errors keep the names that httpcore has for them",
        "daemon/clients/pool.py",
        ("        raise known(str(error)) from error\n", "        raise\n"),
        "tests/unit/clients/test_http.py::test_a_slow_server_does_not_outlast_the_deadline",
        "tests/unit/clients/test_proxy.py::test_https_goes_through_a_tunnel_that_sees_no_token",
    ),
    row(
        "A tunnel in which something failed stays open",
        "daemon/clients/pool.py",
        ("            self._connection.close()\n            if", "            if"),
        "tests/unit/clients/test_proxy.py::test_a_tunnel_in_which_tls_fails_takes_up_no_place",
    ),
    row(
        "A GET is not repeated where a kept connection was closed",
        "daemon/clients/pool.py",
        ("raise httpcore.ConnectionNotAvailable from error", "raise"),
        "tests/unit/clients/test_transport.py::test_a_read_on_a_kept_connection_that_is_closed_that_moment_is_made_again_on_another_one",
    ),
    row(
        "A POST is repeated where a kept connection was closed",
        "daemon/clients/pool.py",
        ('return is_over and request.method == b"GET"', "return is_over and bool(request.method)"),
        "tests/unit/clients/test_transport.py::test_a_message_on_a_kept_connection_that_is_closed_that_moment_is_not_repeated_blindly",
    ),
    row(
        "A proxy is told of an address of IPv6 without brackets",
        "daemon/clients/pool.py",
        ('b"[%b]" % url.raw_host', "url.raw_host"),
        "tests/unit/clients/test_proxy.py::test_an_ipv6_address_is_named_to_a_proxy_in_brackets",
    ),
    row(
        "A private attribute of the library is read",
        "daemon/clients/pool.py",
        ("return self._connection.is_idle()", "return self._connection._connection.is_idle()"),
        "tests/test_structure.py::test_only_what_is_offered_is_used_of_others",
    ),
    row(
        "Whether a body is packed is taken from its label",
        "daemon/clients/decompress.py",
        ("while _is_compressed(head) and layers < LAYERS:", "while layers < min(len(named), LAYERS):"),
        "tests/unit/clients/test_decompress.py::test_what_can_be_unpacked_is",
        "tests/unit/systemd/test_tell_signl4_answers.py::test_the_program_judges_it_alike",
    ),
    row(
        "The values of an answer are not counted",
        "daemon/clients/json_input.py",
        ("> MOST_VALUES:", "> len(body):"),
        "tests/unit/clients/test_json_input_memory.py::test_an_answer_takes_no_more_memory_than_there_is",
    ),
    row(
        "The values of an answer of SIGNL4 are not counted before it is read to the letter",
        "daemon/clients/json_input.py",
        ("    _check_size(body)\n    try:", "    try:"),
        "tests/unit/clients/test_json_input_memory.py::test_an_answer_takes_no_more_memory_than_there_is",
    ),
    row(
        "Half surrogate pairs are replaced all at once",
        "daemon/clients/json_input.py",
        (
            "text = _without_lone_surrogates(text)",
            'text = _ESCAPE.sub(lambda found: "?" if found[1] else found[0], text)',
        ),
        "tests/unit/clients/test_json_input_memory.py::test_an_answer_takes_no_more_memory_than_there_is",
    ),
    row(
        "A `Reset` that has just passed is ignored",
        "daemon/clients/signl4.py",
        ("if -MARGIN < wait <=", "if timedelta(0) < wait <="),
        "tests/unit/decisions/test_rate_limit_servers.py::test_no_server_refuses_and_nothing_comes_much_later_than_it_could",
    ),
    row(
        "Nothing is allowed for a clock whose `Date` is not said",
        "daemon/clients/signl4.py",
        ("wait = max(wait, min(wait + CLOCKS_APART, WINDOW))", "pass"),
        "tests/unit/decisions/test_rate_limit_servers.py::test_nor_does_one_that_does_not_say_its_time",
    ),
    row(
        "Promise 8: no secret is hidden",
        "daemon/model/redact.py",
        ("text = _spellings(secret).sub(HIDDEN, text)", "_spellings(secret).sub(HIDDEN, text)"),
        "tests/unit/model/test_redact.py::test_one_secret_that_holds_another_leaves_no_rest",
        "tests/unit/clients/test_betterstack_answers.py::TestErrors::test_never_hold_the_token",
    ),
    row(
        "A secret is not found where its letters have HTML's names",
        "daemon/model/redact.py",
        ('"|".join([*by_number, *by_name])', '"|".join(by_number)'),
        "tests/unit/model/test_redact.py::test_no_spelling_of_a_whole_secret_hides_it",
    ),
    row(
        "A secret is not found where its letters have HTML's numbers",
        "daemon/model/redact.py",
        ('"|".join([*by_number, *by_name])', '"|".join([*by_number[:0], *by_name, "#-"])'),
        "tests/unit/model/test_redact.py::test_no_spelling_of_a_whole_secret_hides_it",
    ),
    row(
        "A secret is not found where its letters are numbered as in JSON",
        "daemon/model/redact.py",
        ('bare = f"{_encoded(letter)}|{_numbered(letter)}|', 'bare = f"{_encoded(letter)}|'),
        "tests/unit/model/test_redact.py::test_no_spelling_of_a_whole_secret_hides_it",
    ),
    row(
        "A secret is not found where its backslashes are escaped more than once",
        "daemon/model/redact.py",
        ("ESCAPINGS = 8", "ESCAPINGS = 1"),
        "tests/unit/model/test_redact.py::test_no_spelling_of_a_whole_secret_hides_it",
    ),
)
