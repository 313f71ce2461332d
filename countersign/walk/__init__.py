"""The main job played over HTTP against a running service, by somebody who believes only what can be recomputed."""
