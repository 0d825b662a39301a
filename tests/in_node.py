"""Reads an exported page as its own scripts do."""

from __future__ import annotations

import base64
import json
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np

FRONTEND = Path(__file__).parents[1] / "llmscope" / "frontend"
# Asks a page's sources for keys, as its views do; arrays come back as lists.
SCRIPT = """
import { buildSync } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
const load = (file) => {
    const built = buildSync({ entryPoints: [`src/sources/page/${file}.ts`], bundle: true,
                              format: "esm", write: false });
    const code = Buffer.from(built.outputFiles[0].contents).toString("base64");
    return import("data:text/javascript;base64," + code);
};
const { PageSource } = await load("page");
const { readPage } = await load("content");
const { base64, keys, output } = JSON.parse(readFileSync(0, "utf8"));
const page = await readPage(base64);
const sources = page.sources.map((content) => new PageSource(content));
const plain = (part) => Object.fromEntries(Object.entries(part).map(([name, item]) =>
    [name, item?.data ? { data: [...item.data].map(String), shape: item.shape } : item]));
const answers = [];
for (const [source, key] of keys) {
    const words = sources[source].lacks(key);
    answers.push(await sources[source].ask(key).then(
        (part) => ({ words, part: plain(part) }),
        (error) => ({ words, error: error.message, kind: error.kind })));
}
writeFileSync(output, JSON.stringify(answers));
"""


def content(html: str) -> str:
    (found,) = re.findall(r'id="page-data">([A-Za-z0-9+/=]*)</script>', html)
    return found


def opened(html: str) -> dict:
    """What a page holds, but for its buffers."""
    data = zlib.decompress(base64.b64decode(content(html)))
    (length,) = struct.unpack_from("<I", data)
    return json.loads(data[4 : 4 + length])["page"]


def ask(html: str, keys: list[str], folder: Path, source: int = 0) -> list[dict]:
    node = shutil.which("node")
    assert node is not None
    output = folder / "answers.json"
    asked = {"base64": content(html), "output": str(output)}
    subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT],
        input=json.dumps(asked | {"keys": [[source, key] for key in keys]}),
        text=True,
        cwd=FRONTEND,
        check=True,
    )
    return json.loads(output.read_text())


def array(item: dict) -> np.ndarray:
    return np.array([float(value) for value in item["data"]]).reshape(item["shape"])
