"""The storage on both databases: what they must have in common, and how a database is made on a server."""

from tests.mutations.mutation import row

COLUMNS = "tests/unit/storage/test_columns.py"
MADE = "tests/unit/storage/test_server_database.py"

ROWS = (
    row(
        "A text with NUL is given to PostgreSQL as it is",
        "daemon/storage/columns.py",
        ('if value is None or ("\\0" not in value and _MARK not in value):', "if value is not None or True:"),
        f"{COLUMNS}::test_a_text_comes_back_and_has_no_character_that_the_server_refuses",
        "tests/unit/storage/test_incidents.py::test_an_odd_text_survives_in_every_column_and_in_the_payload",
    ),
    row(
        "NUL is left out, so that two texts are one",
        "daemon/storage/columns.py",
        ('_SPELLED = {"\\0": f"{_MARK}0",', '_SPELLED = {"\\0": "",'),
        f"{COLUMNS}::test_no_two_texts_are_written_alike",
    ),
    row(
        "Texts of PostgreSQL have the order of a language",
        "daemon/storage/columns.py",
        ("_ServerText(collation=_BY_BYTES)", "_ServerText()"),
        f"{COLUMNS}::test_texts_are_in_the_order_of_their_bytes",
        f"{MADE}::test_every_text_has_the_order_of_its_bytes_and_every_number_64_bits",
    ),
    row(
        "Numbers of PostgreSQL have 32 bits",
        "daemon/storage/columns.py",
        ('Integer().with_variant(BigInteger(), "postgresql")', 'Integer().with_variant(Integer(), "postgresql")'),
        f"{COLUMNS}::test_a_number_has_64_bits",
        f"{MADE}::test_every_text_has_the_order_of_its_bytes_and_every_number_64_bits",
    ),
    row(
        "JSON that is damaged breaks every query that finds it",
        "daemon/storage/columns.py",
        ("    except ValueError:\n        return None\n", "    except KeyError:\n        return None\n"),
        f"{COLUMNS}::test_damaged_json_is_no_value_and_breaks_no_query",
    ),
    row(
        "A time in an expression is one of the server's zone",
        "daemon/storage/columns.py",
        ("return literal(value, Moment)", "return literal(value)"),
        f"{COLUMNS}::test_a_time_in_an_expression_is_in_utc_wherever_the_server_is",
    ),
    row(
        "An index of a part is one of all rows on PostgreSQL",
        "daemon/storage/columns.py",
        ('        options["where"] = index.dialect_options["sqlite"]["where"]\n', ""),
        "tests/unit/storage/test_plans.py",
    ),
    row(
        "A source that is too long for an index keeps its incident from being recorded",
        "daemon/storage/schema.py",
        ('info={"using": "hash"}, ', ""),
        "tests/unit/storage/test_openings.py::test_a_source_of_any_length_is_counted",
    ),
    row(
        "The second opening of one incident counts as the first of the next",
        "daemon/storage/openings.py",
        ("cast(DELIVERIES.c.generation, TEXT)", "DELIVERIES.c.generation"),
        "tests/unit/storage/test_openings.py::test_each_opening_of_each_incident_counts_whatever_its_id_is",
    ),
    row(
        "All keys of a listing are held by the driver at once",
        "daemon/storage/parts.py",
        ('{"stream_results": True}', '{"stream_results": False}'),
        "tests/unit/storage/test_listings.py::test_of_a_long_result_memory_holds_no_more_than_a_part",
    ),
    row(
        "The rest of a long list is never asked for",
        "daemon/storage/parts.py",
        ("    while part := list(islice(remaining, AT_ONCE)):", "    if part := list(islice(remaining, AT_ONCE)):"),
        f"{COLUMNS}::test_parts_are_all_of_it_in_its_order",
        "tests/unit/storage/test_incidents.py::test_known_are_those_asked_for_that_were_ever_recorded",
    ),
    row(
        "What is written back is not known to be written",
        "daemon/storage/write_backs.py",
        (".one_or_none() is not None", ".rowcount == 1"),
        "tests/unit/test_write_back.py::test_an_acknowledgement_is_written_back_in_the_name_of_the_person",
    ),
    row(
        "Own faults of which nobody knows when they began come last on PostgreSQL",
        "daemon/storage/queries.py",
        ("DELIVERIES.c.failing_since.nulls_first()", "DELIVERIES.c.failing_since.nulls_last()"),
        "tests/unit/storage/test_queries_own_faults.py::test_one_of_which_nobody_knows_since_when_it_fails_comes_first",
    ),
    row(
        "Two that make the tables meet",
        "daemon/storage/server_change.py",
        ("            connection.exec_driver_sql(ALONE)\n", ""),
        f"{MADE}::test_one_changes_it_at_a_time_also_where_nothing_is_yet",
    ),
    row(
        "Who comes second makes the tables again",
        "daemon/storage/create.py",
        ("if known(url, *server_content.content_on(postgresql.driver_of(connection), url)) is None:", "if True:"),
        f"{MADE}::test_of_many_that_start_together_one_makes_it_and_the_others_find_it",
    ),
    row(
        "On a server the rows of incidents have no numbers",
        "daemon/storage/create.py",
        ("        connection.exec_driver_sql(ADD_ROW_NUMBERS)\n", ""),
        f"{COLUMNS}::test_the_number_of_a_row_tells_in_which_order_incidents_came_and_stays",
    ),
    row(
        "The tables are changed under a leader of the older version",
        "daemon/storage/migrate.py",
        ("        server_change.check_unused(connection, url)\n", ""),
        f"{MADE}::test_it_is_not_changed_while_a_leader_works_with_the_older_version",
    ),
    row(
        "The lease can be taken while the tables are changed",
        "daemon/storage/server_change.py",
        (".with_for_update()", ""),
        f"{MADE}::test_nobody_becomes_the_leader_while_it_is_changed",
    ),
    row(
        "A migration may take no longer than a job",
        "daemon/storage/server_change.py",
        ("CHANGES = Patience(60, 3600, 60, 4 * 3600)", "CHANGES = Patience(1, 2, 3, 8)"),
        f"{MADE}::test_one_may_take_longer_than_what_jobs_may",
    ),
    row(
        "Tables of an extension are those of another program",
        "daemon/storage/server_content.py",
        ("AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')", ""),
        f"{MADE}::test_what_an_extension_has_put_there_is_of_no_program",
    ),
    row(
        "A database that lacks characters is taken",
        "daemon/storage/server_content.py",
        ("if content.encoding != ENCODING:", "if content.encoding == '':"),
        f"{MADE}::test_in_an_encoding_that_lacks_characters",
    ),
    row(
        "That no tables can be made is found when they are",
        "daemon/storage/server_content.py",
        ("    if not content.tables:\n        _check_rights(url, content)\n", ""),
        f"{MADE}::test_where_no_tables_can_be_made",
    ),
    row(
        "Any table that is called a stamp makes a database one of this program",
        "daemon/storage/revision.py",
        ("if tables and (revision is None or not OURS.issubset(tables)):", "if tables and revision is None:"),
        f"{MADE}::test_of_another_program",
    ),
    row(
        "Who has a file loads SQLAlchemy's dialect of a server",
        "daemon/storage/schema.py",
        ('info={"using": "hash"}, ', 'postgresql_using="hash", '),
        "tests/unit/storage/test_schema.py::test_who_has_a_file_loads_nothing_of_a_server",
    ),
)
