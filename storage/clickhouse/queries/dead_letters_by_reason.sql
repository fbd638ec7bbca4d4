-- How much could not be read, by topic and reason, since a moment: each letter once.
SELECT
    topic,
    reason,
    uniqExact(partition, offset, line, reader) AS letters,
    max(ts) AS newest,
    argMax(detail, ts) AS newest_detail
FROM dead_letters
WHERE ts >= {from:DateTime64(6, 'UTC')}
GROUP BY topic, reason
ORDER BY topic, reason
