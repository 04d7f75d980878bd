"""Questions that scripts ask about a record of a result file."""


def role(record):
    """Whose kernel it is: ladder, peer or plugin. A record states it only if the family's name does not imply it."""
    return record.get("role") or ("peer" if record["family"].startswith("peer_") else "ladder")
