"""`overread cache` says what there is, and `--prune` removes what nobody uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.learn.store.entry import pack_entry
from overread.learn.store.store import Store
from overread.pipeline.cache import cache_command


def test_what_there_is_and_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_CACHE", str(tmp_path))
    monkeypatch.setenv("OVERREAD_CACHE_LIMIT", "2G")
    image = np.random.default_rng(0).normal(size=(1, 64, 64)).astype(np.float32)
    with Store().writer() as writer:
        writer.add("key", pack_entry({"image": image}))
    cache_command(prune=False, keep=None)
    assert (
        "1 prepared case in 8.2 KiB, of at most 2.0 GiB (as OVERREAD_CACHE_LIMIT says)."
        in capsys.readouterr().out
    )
    cache_command(prune=True, keep="1M")
    assert "Removed 0 bytes." in capsys.readouterr().out
    with Store().writer() as writer:
        writer.add("other", pack_entry({"image": image + 1}))
        cache_command(prune=True, keep=None)
        out = capsys.readouterr().out
        assert "Removed 8.2 KiB." in out and "in use by trainings" in out
    with pytest.raises(InputError, match="give --prune, too"):
        cache_command(prune=False, keep="1M")
