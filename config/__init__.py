"""What can be tuned: the schema, and the YAML file that fills it."""
