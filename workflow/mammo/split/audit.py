"""Audit a split: check what the manifest claims, as written, against the inventory.

The checks are in mammo.split.checks.
"""

from mammo.split.checks import REGISTERED, Check, Evidence
from mammo.split.gate import Audit, Result

CHECKS: tuple[Check, ...] = tuple(REGISTERED)

# Findings of a check that are listed. A wrong manifest of a million rows must not make an audit
# that nobody can open.
MAX_LISTED = 1000


def audit_split(evidence: Evidence) -> Audit:
    """The content of audit.json: the result of each check that applies to the method of the split.

    Checks of the whole manifest come first, then those of each fold.
    """
    checks = [check for check in CHECKS if check.applies_to(evidence.split)]
    results = [run(check, evidence) for check in checks if not check.per_fold]
    for fold in evidence.folds:
        of_fold = evidence.of_fold(fold)
        suffix = f" (fold {fold})" if len(evidence.folds) > 1 else ""
        results += [run(check, of_fold, suffix) for check in checks if check.per_fold]
    dataset = evidence.images["dataset"].iloc[0]
    return {"dataset": dataset, "leaks": evidence.split.leaks, "checks": results}


def run(check: Check, evidence: Evidence, suffix: str = "") -> Result:
    """The result of a check; `suffix` is added to its name."""
    looked_at, found = check.function(evidence)
    found = [str(finding) for finding in found]
    return {
        "name": check.name + suffix,
        "status": check.severity_in(evidence.split) if found else "pass",
        "looked_at": looked_at,
        "found": found[:MAX_LISTED],
        "more": max(0, len(found) - MAX_LISTED),
    }
