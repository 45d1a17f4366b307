"""Sizes of phases, as numbers or as parts of the pool or of the release."""

from __future__ import annotations

from curation.promises.release_rows import Broken, ReleaseRows
from schemas.promises import Sizes


def sizes(release: ReleaseRows, params: Sizes) -> list[str]:
    """What phases are too large or too small."""
    found = {}
    for name in release.trained if params.of == "release" else list(params.sizes):
        (phase,) = release.phases([name])
        found[name] = len(release.rows(phase, ["tokens"])) if params.unit == "documents" else release.tokens(phase)
    strange = [name for name in params.sizes if name not in found]
    if strange:
        raise Broken(f"there is no phase {strange[0]!r} that is trained on")
    whole = 1
    if params.of == "release":
        whole = sum(found.values())
    elif params.of == "pool":
        whole = sum(amount[params.unit] for amount in release.pool("source").values())
    faults = []
    for name, wanted in params.sizes.items():
        room = params.within if params.of else params.within * wanted
        # A document more or less is no fault of a part.
        if abs(found[name] / whole - wanted) > room + 1e-9:
            said = (
                f"{found[name]:,} {params.unit}"
                if params.of is None
                else f"{found[name] / whole:.4f} of the {params.of}"
            )
            faults.append(f"phase {name} holds {said}, not {wanted:,g}")
    return faults
