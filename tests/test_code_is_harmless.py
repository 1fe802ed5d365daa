"""
The product does not do what would let data become code.
"""

from __future__ import annotations

import ast

from collections.abc import Iterator
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
SOURCES = [
    path
    for place in ("recommender", "listener", "server", "benchmarks")
    for path in sorted((ROOT / place).rglob("*.py"))
] + [ROOT / "run_listener.py", ROOT / "run_server.py"]

# Modules that turn bytes into code or objects of any kind, or run a shell.
FORBIDDEN_MODULES = {
    "cloudpickle", "code", "codeop", "commands", "dill", "jinja2", "joblib",
    "jsonpickle", "marshal", "pickle", "pty", "shelve", "xmlrpc", "yaml",
}  # fmt: skip
FORBIDDEN_CALLS = {
    "__import__", "compile", "eval", "exec", "execfile", "input", "literal_eval",
}  # fmt: skip
FORBIDDEN_METHODS = {
    "os.popen", "os.system", "os.startfile", "subprocess.getoutput",
    "subprocess.getstatusoutput", "np.fromfile", "np.load", "np.save", "numpy.load",
    "tempfile.mktemp", "asyncio.create_subprocess_shell",
}  # fmt: skip


def faults(tree: ast.AST) -> Iterator[str]:
    """
    Yield what a module does that it may not, each with its line.
    """
    for node in ast.walk(tree):
        for name in imported(node):
            if name.partition(".")[0] in FORBIDDEN_MODULES:
                yield f"{node.lineno}: imports {name}"  # type: ignore[attr-defined]
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in FORBIDDEN_CALLS | FORBIDDEN_METHODS:
                yield f"{node.lineno}: calls {called}"
            yield from (
                f"{node.lineno}: {keyword.arg}"
                for keyword in node.keywords
                if keyword.arg in {"allow_pickle", "shell"}
            )


def imported(node: ast.AST) -> list[str]:
    """
    Return the modules that a statement imports.
    """
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_data_becomes_code(path: Path) -> None:
    """
    No module imports pickle or its like, evaluates a text or runs a shell.
    """
    assert not list(faults(ast.parse(path.read_text())))


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "exec(text)",
        "np.load(path)",
        "load(path, allow_pickle=True)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
    ],
)
def test_each_would_be_found(line: str) -> None:
    """
    The test above can fail.
    """
    assert list(faults(ast.parse(line)))
