-- Inserts that run now and whose query ids begin with `prefix`.
SELECT query_id
FROM system.processes
WHERE startsWith(query_id, {prefix:String})
