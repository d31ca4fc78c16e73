"""Write one file whole or not at all."""

import os
from pathlib import Path

from harness.archive import OutputError


def check_free(target: Path, *, force: bool) -> None:
    """Raise OutputError when a file is there already and may not be replaced."""
    if target.exists() and not force:
        raise OutputError(
            f"output file {target} is there already; name another place with --out, "
            "or replace it with --force"
        )


def write_file(target: Path, content: bytes) -> None:
    """Write aside and rename, so that no half-written file is ever seen."""
    aside = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        aside.replace(target)
    except OSError as error:
        aside.unlink(missing_ok=True)
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"output file {target} cannot be written: {reason}") from None
