"""Tables, charts and pages made from the files under results/, for scripts/readme_tables.py."""
