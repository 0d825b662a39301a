"""Two hundred sentences to survey heads with: a hundred in English and a hundred in Chinese."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("sentences.json")
_BY_LANGUAGE: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))

ENGLISH: tuple[str, ...] = tuple(_BY_LANGUAGE["en"])
CHINESE: tuple[str, ...] = tuple(_BY_LANGUAGE["zh"])
SENTENCES: tuple[str, ...] = (*ENGLISH, *CHINESE)
