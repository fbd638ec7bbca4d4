"""SQL by which ClickHouse leaves its database: reads and writes files, calls addresses, starts programs, ends."""

from dataclasses import dataclass
from pathlib import Path

WORD = "the-secret-of-this-test"


@dataclass(frozen=True)
class Places:
    """Outside of the server's folder: a secret (0600), a folder to write to, a port that listens."""

    secret: Path
    outside: Path
    port: int


def statements(places: Places) -> list[str]:
    """Every way that we know of; none may reach any of the places."""
    return [*_reads(places), *_writes(places), *_calls(places), *_programs(places), *ENDS, *_unlocks(places)]


ENDS = (
    "SYSTEM SHUTDOWN",
    "SYSTEM KILL",
    "SYSTEM `SHUTDOWN`",
    "/* a */ SYSTEM /* b */ SHUTDOWN",
    "SYSTEM STOP LISTEN HTTP",
)
"""Those that would end or deafen the process."""


def _reads(places: Places) -> list[str]:
    path = places.secret
    source = f"'{path}', 'LineAsString', 'line String'"
    named = str(path).replace("secret", "sec\\x72et")
    return [
        f"SELECT * FROM file({source})",
        f"SELECT * FROM `f\\x69le`({source})",
        f'SELECT * FROM "\\x66\\x69\\x6c\\x65"({source})',
        f"SELECT * FROM FILE ({source})",
        f"SELECT * FROM/**/file/**/({source})",
        f"SELECT 1 /* /* */ ' */, file('{path}') --'",
        f"SELECT 1 // '\n, file('{path}') -- '",
        f"SELECT 1 AS $a$, file('{path}')",
        f"SELECT \u2018'\u2019, file('{path}') -- '",
        f"SELECT * FROM \u201cfile\u201d({source})",
        f"SELECT * FROM \u2018{path}\u2019",
        f"SELECT * FROM file('{named}', 'LineAsString')",
        f"SELECT file('{path}')",
        f"SELECT `f\\x69le`('{path}')",
        f"SELECT arrayMap(x -> file(x), ['{path}'])",
        "SELECT file('/proc/self/environ')",
        "SELECT `f\\x69le`('/proc/self/environ')",
        "SELECT * FROM `f\\x69le`('/proc/self/environ', 'LineAsString', 'line String')",
        f"SELECT * FROM `{path}`",
        f"SELECT * FROM '{path}'",
        f"SELECT * FROM default.`{path}`",
        f"SELECT * FROM _files.`{path}`",
        f"SELECT * FROM loop(file({source}))",
        f"SELECT * FROM loop(`f\\x69le`({source}))",
        f"SELECT * FROM view(SELECT * FROM `f\\x69le`({source}))",
        f"SELECT * FROM fileCluster('default', {source})",
        f"SELECT * FROM sqlite('{path}', 't')",
        f"WITH x AS (SELECT * FROM `f\\x69le`({source})) SELECT * FROM x",
        f"SELECT (SELECT any(line) FROM `f\\x69le`({source}))",
        f"DESCRIBE TABLE `f\\x69le`('{path}')",
        f"EXPLAIN SELECT * FROM `f\\x69le`({source})",
        f"CREATE TABLE read_a (line String) ENGINE = File(LineAsString, '{path}')",
        f"CREATE TABLE read_b ENGINE = Memory AS SELECT * FROM `f\\x69le`({source})",
        f"CREATE TABLE read_c AS `f\\x69le`({source})",
        f"CREATE TEMPORARY TABLE read_d AS SELECT * FROM `f\\x69le`({source})",
        f"CREATE VIEW read_e AS SELECT * FROM `f\\x69le`({source})",
        "SELECT * FROM read_e",
        f"CREATE DATABASE read_f ENGINE = Filesystem('{path.parent}')",
        f"SELECT * FROM read_f.`{path.name}`",
        f"CREATE DATABASE read_g ENGINE = `F\\x69lesystem`('{path.parent}')",
        f"SELECT * FROM read_g.`{path.name}`",
        f"CREATE DATABASE read_h ENGINE = SQLite('{path}')",
        "CREATE DICTIONARY read_i (a UInt64, b String) PRIMARY KEY a"
        f" SOURCE(FILE(path '{path}' format 'LineAsString')) LAYOUT(FLAT()) LIFETIME(0)",
        "SELECT dictGet('read_i', 'b', toUInt64(1))",
        f"INSERT INTO FUNCTION null('line String') SELECT * FROM `f\\x69le`({source})",
        f"INSERT INTO read_j FROM INFILE '{path}' FORMAT LineAsString",
        f"ATTACH TABLE read_k FROM '{path.parent}' (line String) ENGINE = File(LineAsString)",
        f"ATTACH TABLE read_l FROM '{path.parent}' (line String) ENGINE = MergeTree ORDER BY line",
        f"RESTORE TABLE read_m FROM File('{path}')",
        f"CREATE DATABASE read_n ENGINE = Backup('x', File('{path}'))",
        "CREATE TABLE read_o (a Int8) ENGINE = MergeTree ORDER BY a"
        f" SETTINGS disk = disk(type = local, path = '{path.parent}/')",
        f"SELECT catboostEvaluate('{path}', 1)",
        f"SELECT * FROM iceberg('{path.parent}')",
        f"SELECT * FROM deltaLakeLocal('{path.parent}')",
        f"SELECT * FROM merge('default', '.*') WHERE line = '{path}'",
    ]


def _writes(places: Places) -> list[str]:
    out = places.outside
    return [
        f"INSERT INTO FUNCTION file('{out}/a', 'TSV', 'a Int8') SELECT 1",
        f"INSERT INTO FUNCTION `f\\x69le`('{out}/b', 'TSV', 'a Int8') SELECT 1",
        f"INSERT INTO TABLE FUNCTION `f\\x69le`('{out}/c', 'TSV', 'a Int8') VALUES (1)",
        f"SELECT 1 INTO OUTFILE '{out}/d'",
        f"SELECT 1 INTO /**/ OUTFILE '{out}/e' FORMAT TSV",
        f"(SELECT 1) INTO OUTFILE '{out}/f'",
        f"CREATE TABLE write_a (a Int8) ENGINE = File(TSV, '{out}/g')",
        "INSERT INTO write_a VALUES (1)",
        f"BACKUP DATABASE default TO File('{out}/h')",
        f"BACKUP DATABASE default TO `F\\x69le`('{out}/i')",
        "CREATE TABLE write_b (a Int8) ENGINE = MergeTree ORDER BY a"
        f" SETTINGS disk = disk(type = local, path = '{out}/')",
        f"CREATE DATABASE `../../{out.name}/j`",
        f"CREATE TABLE `../../../{out.name}/k` (a Int8) ENGINE = Log",
    ]


def _calls(places: Places) -> list[str]:
    host = f"127.0.0.1:{places.port}"
    login = f"'{host}', 'd', 't', 'u', 'p'"
    return [
        f"SELECT * FROM url('http://{host}/', 'LineAsString', 'line String')",
        f"SELECT * FROM `u\\x72l`('http://{host}/', 'LineAsString', 'line String')",
        f"DESCRIBE TABLE url('http://{host}/', 'CSV')",
        f"DESCRIBE TABLE `u\\x72l`('http://{host}/')",
        f"INSERT INTO FUNCTION `u\\x72l`('http://{host}/', 'TSV', 'a Int8') SELECT 1",
        f"SELECT * FROM s3('http://{host}/b/k', 'CSV', 'a Int8')",
        f"SELECT * FROM `s\\x33`('http://{host}/b/k', 'CSV', 'a Int8')",
        f"SELECT * FROM hdfs('hdfs://{host}/x', 'CSV', 'a Int8')",
        f"SELECT * FROM azureBlobStorage('http://{host}/', 'c', 'p')",
        f"SELECT * FROM remote('{host}', 'system.one')",
        f"SELECT * FROM `rem\\x6fte`('{host}', 'system.one')",
        f"SELECT * FROM remoteSecure('{host}', 'system.one')",
        "SELECT * FROM cluster('x', 'system.one')",
        f"SELECT * FROM mysql({login})",
        f"SELECT * FROM postgresql({login})",
        f"SELECT * FROM mongodb({login}, 'a Int8')",
        f"SELECT * FROM redis('{host}', 'k', 'k String, v String')",
        f"SELECT * FROM arrowFlight('{host}', 'x')",
        f"CREATE TABLE call_a (a Int8) ENGINE = URL('http://{host}/', 'TSV')",
        f"CREATE TABLE call_b (a Int8) ENGINE = S3('http://{host}/b/k', 'TSV')",
        f"CREATE TABLE call_c (a Int8) ENGINE = MySQL({login})",
        f"CREATE TABLE call_d (a Int8) ENGINE = Kafka('{host}', 't', 'g', 'CSV')",
        f"CREATE DATABASE call_e ENGINE = MySQL('{host}', 'd', 'u', 'p')",
        f"CREATE DATABASE call_f ENGINE = PostgreSQL('{host}', 'd', 'u', 'p')",
        f"CREATE DATABASE call_g ENGINE = DataLakeCatalog('http://{host}') SETTINGS warehouse = 'w'",
        "CREATE DICTIONARY call_h (a UInt64, b String) PRIMARY KEY a"
        f" SOURCE(HTTP(url 'http://{host}/' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
        "SELECT dictGet('call_h', 'b', toUInt64(1))",
        "CREATE TABLE call_i (a Int8) ENGINE = MergeTree ORDER BY a"
        f" SETTINGS disk = disk(type = web, endpoint = 'http://{host}/')",
        "CREATE TABLE call_j (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk ="
        f" disk(type = object_storage, object_storage_type = s3, endpoint = 'http://{host}/b/', no_sign_request = 1)",
        f"BACKUP DATABASE default TO S3('http://{host}/b', 'k', 's')",
        f"SELECT * FROM format(CSV, 'a') SETTINGS url_base = 'http://{host}/'",
    ]


def _programs(places: Places) -> list[str]:
    write = f"touch {places.outside}/ran"
    return [
        f"SELECT * FROM executable('{write}', 'TSV', 'a String')",
        f"SELECT * FROM `exec\\x75table`('sh', 'TSV', 'a String', (SELECT '{write}'))",
        f"CREATE TABLE run_a (a String) ENGINE = Executable('{write}', 'TSV')",
        "SELECT * FROM run_a",
        "CREATE DICTIONARY run_b (a UInt64, b String) PRIMARY KEY a"
        f" SOURCE(EXECUTABLE(command '{write}' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
        "SELECT dictGet('run_b', 'b', toUInt64(1))",
        "SELECT * FROM `Pyth\\x6fn`(os)",
        "SELECT * FROM jdbc('a', 'b')",
    ]


def _unlocks(places: Places) -> list[str]:
    """What would give rights back, and the same again."""
    again = f"SELECT * FROM `f\\x69le`('{places.secret}', 'LineAsString', 'line String')"
    return [
        "CREATE USER other IDENTIFIED BY 'x'",
        "GRANT ALL ON *.* TO default",
        "GRANT READ ON FILE TO default",
        "SET ROLE ALL",
        "EXECUTE AS default SELECT 1",
        "CREATE NAMED COLLECTION n AS url = 'http://127.0.0.1/'",
        "SYSTEM RELOAD CONFIG",
        "SYSTEM RELOAD USERS",
        f"{again} SETTINGS readonly = 0, allow_ddl = 1, engine_file_allow_create_multiple_files = 1",
        f"SET readonly = 0; {again}",
        again,
    ]
