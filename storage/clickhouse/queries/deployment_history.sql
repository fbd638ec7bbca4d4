-- What went live of a model, and what was retired, newest first.
SELECT
    ts,
    deployment_id,
    version,
    action,
    role,
    weight,
    branch,
    profile_id,
    psi_threshold,
    features
FROM deployments
WHERE workspace = {workspace:String} AND model = {model:String}
ORDER BY ts DESC, deployment_id
LIMIT 1 BY deployment_id, action, ts
