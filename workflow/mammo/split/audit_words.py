"""Print the audit of every split as a table on the terminal, whether its checks passed or not."""

ORDER = ["fail", "warn", "pass"]
SHOWN = 5


def as_text(audit, name):
    """Yield the lines of an audit: what failed first, then warnings; some of what was found below each."""
    checks = sorted(audit["checks"], key=lambda item: ORDER.index(item["status"]))
    counts = ", ".join(
        f"{n} {status}"
        for status in ORDER
        if (n := sum(item["status"] == status for item in checks))
    )
    yield f"Audit of the split {name}: {counts}. Dataset {audit['dataset']}."
    if audit["leaks"]:
        yield f"NOT EVIDENCE OF PERFORMANCE: the split {audit['leaks']}."
    width = max(len(item["name"]) for item in checks)
    yield f"      {'check':{width}}  found  looked at"
    for item in checks:
        found = len(item["found"]) + item["more"]
        yield f"{item['status']:4}  {item['name']:{width}}  {found:5}  {item['looked_at']}"
        yield from (f"          {line}" for line in item["found"][:SHOWN])
        if found > SHOWN:
            yield f"          and {found - SHOWN} more, in audit.json"
