"""What the service costs, each figure beside the bare engine or the bare database in the same run."""
