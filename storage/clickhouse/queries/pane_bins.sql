-- The histogram of one deployment and profile over panes that start in a time span: every bin (flat index) with its count and sum.
SELECT
    bin,
    sum(bin_count) AS count,
    sum(bin_sum) AS sum
FROM
(
    SELECT
        argMax(p.bins, p.as_of) AS bins,
        argMax(p.counts, p.as_of) AS counts,
        argMax(p.sums, p.as_of) AS sums
    FROM feature_panes AS p
    WHERE workspace = {workspace:String} AND model = {model:String} AND deployment_id = {deployment_id:String}
        AND profile_id = {profile_id:String}
        AND start >= {from:DateTime('UTC')} AND start < {to:DateTime('UTC')}
    GROUP BY topic_id, start, partition, segment
)
ARRAY JOIN bins AS bin, counts AS bin_count, sums AS bin_sum
GROUP BY bin
ORDER BY bin
