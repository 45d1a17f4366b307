"""The demo, the deployments and their recipes."""
