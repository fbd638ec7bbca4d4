"""What somebody wants of versions that exist in (rollback, shares, scale); plans for the rollout engine out."""
