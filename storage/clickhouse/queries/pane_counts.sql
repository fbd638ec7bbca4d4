-- The newest writing of each pane of a model, summed by deployment: what `event_counts` must agree with.
SELECT
    deployment_id,
    sum(events) AS events,
    sum(requests) AS requests,
    sum(failed) AS failed,
    sum(refused) AS refused,
    countIf(NOT closed) AS open_panes
FROM
(
    SELECT
        deployment_id,
        argMax(p.events, p.as_of) AS events,
        argMax(p.requests, p.as_of) AS requests,
        argMax(p.failed, p.as_of) AS failed,
        argMax(p.refused, p.as_of) AS refused,
        max(p.closed) AS closed
    FROM feature_panes AS p
    WHERE workspace = {workspace:String} AND model = {model:String}
    GROUP BY topic_id, deployment_id, start, partition, segment
)
GROUP BY deployment_id
ORDER BY deployment_id
