"""Text that is compared with a file beside the tests."""

from __future__ import annotations

from pathlib import Path


class Golden:
    """Compares text with a file beside the tests; `--rewrite-golden` writes the file anew."""

    def __init__(self, folder: Path, *, rewrite: bool) -> None:
        self._folder = folder
        self._rewrite = rewrite

    def check(self, name: str, text: str) -> None:
        path = self._folder / name
        if self._rewrite:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")
