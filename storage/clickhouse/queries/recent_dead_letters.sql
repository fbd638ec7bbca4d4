-- The newest dead letters, each once, newest first. `head` is base64.
SELECT
    ts,
    topic,
    partition,
    offset,
    line,
    reason,
    detail,
    size,
    head,
    reader
FROM dead_letters
ORDER BY ts DESC
LIMIT 1 BY topic, partition, offset, line, reader
LIMIT {limit:UInt32}
