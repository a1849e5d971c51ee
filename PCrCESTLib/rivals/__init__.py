"""The networks and training data that ours is compared with; for evaluation only, never needed by users."""
