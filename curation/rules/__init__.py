"""Published rule sets: one file a set, ``apply`` has the registry."""
