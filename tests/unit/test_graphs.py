"""AGENT loads what `langgraph.json` could name, and says in a sentence what it cannot.

The graph files are written to a temporary folder, as a team would bring them.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from structlog.testing import capture_logs

from bot.base.errors import ConfigurationError
from bot.conversations.engine import with_saver
from bot.conversations.graphs import load_graph
from bot.conversations.inspect_graph import LoadedGraph

BUILDER = """
from langgraph.graph import START, MessagesState, StateGraph

def answer(state):
    return {"messages": [("ai", "hello")]}

builder = StateGraph(MessagesState)
builder.add_node("answer", answer)
builder.add_edge(START, "answer")
"""


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    """Leave no module and no folder of a test behind."""
    modules, path = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith(("graph_file_", "their_")):
            del sys.modules[name]


def write(folder: Path, text: str, name: str = "their_graph.py") -> str:
    """Write a graph file and return its path."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))
    return str(file)


async def load(spec: str) -> LoadedGraph:
    async with load_graph(spec) as loaded:
        return loaded


async def refusal(spec: str) -> str:
    """The one line that a graph which cannot be loaded ends with."""
    with pytest.raises(ConfigurationError) as caught:
        await load(spec)
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    assert said.startswith(f"AGENT={spec}: ")
    assert said.endswith(".")
    return said


WAYS = {
    "compiled": "graph = builder.compile()",
    "uncompiled": "graph = builder",
    "a function": "def graph():\n    return builder.compile()",
    "a function of an uncompiled one": "graph = lambda: builder",
    "a coroutine": "async def graph():\n    return builder.compile()",
    "with config": """
def graph(config):
    assert config["configurable"].get("size") is None
    return builder
""",
    "with config by its type": """
from langchain_core.runnables import RunnableConfig
async def graph(given: RunnableConfig, *, deep=False):
    assert given["configurable"] == {} and not deep
    return builder
""",
    "a class": """
class Maker:
    def __call__(self):
        return builder
graph = Maker()
""",
    "with settings of its own": "graph = builder.compile().with_config(tags=['x'])",
    "asyncio at import": """
import asyncio
async def make():
    return builder.compile()
graph = asyncio.run(make())
""",
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_graph_is_loaded_in_every_form_and_runs(way: str, tmp_path: Path):
    path = write(tmp_path, BUILDER + WAYS[way])

    loaded = await load(f"{path}:graph")

    done = await loaded.graph.ainvoke({"messages": [("user", "hi")]})
    assert [message.text for message in done["messages"]] == ["hi", "hello"]
    assert (loaded.name, loaded.input_channel) == ("graph", "messages")


CONTEXTS = {
    "async": """
from contextlib import asynccontextmanager
opened = []
@asynccontextmanager
async def graph(config):
    opened.append(1)
    yield builder
    opened.clear()
""",
    "sync": """
from contextlib import contextmanager
opened = []
@contextmanager
def graph():
    opened.append(1)
    yield builder.compile()
    opened.clear()
""",
}


@pytest.mark.parametrize("way", CONTEXTS)
async def test_a_context_manager_stays_open_while_its_graph_is_served(
    way: str, tmp_path: Path
):
    path = write(tmp_path, BUILDER + CONTEXTS[way])

    async with load_graph(f"{path}:graph") as loaded:
        opened = loaded.graph.nodes["answer"].bound.func.__globals__["opened"]
        assert opened == [1]

    assert opened == []


async def test_an_error_while_serving_is_not_a_loading_failure(
    tmp_path: Path,
):
    path = write(tmp_path, BUILDER)

    with pytest.raises(ZeroDivisionError):
        async with load_graph(f"{path}:builder"):
            raise ZeroDivisionError


async def test_a_path_counts_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path, BUILDER, "graphs/their_graph.py")
    monkeypatch.chdir(tmp_path)

    for spec in ("./graphs/their_graph.py:builder", "graphs/their_graph.py:builder"):
        assert (await load(spec)).input_channel == "messages"


async def test_a_module_is_loaded_by_its_dotted_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path, BUILDER, "their_package/inner/graph.py")
    monkeypatch.syspath_prepend(tmp_path)

    loaded = await load("their_package.inner.graph:builder")

    assert loaded.input_channel == "messages"


async def test_a_graph_file_imports_its_neighbours_without_shadowing_modules(
    tmp_path: Path,
):
    write(tmp_path, "NAME = 'from next door'", "their_neighbour.py")
    write(tmp_path, "raise RuntimeError('shadowed')", "yaml.py")
    text = """
    import yaml
    from their_neighbour import NAME
    graph = builder.compile(name=NAME)
    """
    path = write(tmp_path, BUILDER + textwrap.dedent(text))

    assert (await load(f"{path}:graph")).name == "from next door"


async def test_a_graph_file_is_its_own_module_with_storable_classes(
    tmp_path: Path,
):
    text = """
    from dataclasses import dataclass
    @dataclass
    class Plan:
        steps: int
    """
    path = write(tmp_path, BUILDER + textwrap.dedent(text), "agent.py")

    loaded = await load(f"{path}:builder")

    module = sys.modules[loaded.graph.nodes["answer"].bound.func.__module__]
    assert module.__name__.startswith("graph_file_")
    assert module.__file__ == path
    plan = module.Plan(3)
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert not hasattr(sys.modules["agent"], "Plan")


STORED = """
from dataclasses import dataclass
from typing import Annotated
from typing_extensions import TypedDict
from langchain_core.messages import AnyMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph, add_messages
from langgraph.types import interrupt

@dataclass
class Plan:
    steps: int

class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]
    plan: Plan

def plan(state):
    return {"plan": Plan(3)}

def act(state):
    answer = interrupt("Shall I?")
    return {"messages": [("ai", f"{answer}: {state['plan'].steps} steps")]}

builder = StateGraph(State)
builder.add_node(plan)
builder.add_node(act)
builder.add_edge(START, "plan")
builder.add_edge("plan", "act")
graph = builder.compile(checkpointer=InMemorySaver())
"""


async def test_a_run_uses_our_checkpointer_and_keeps_state_classes(
    tmp_path: Path,
):
    loaded = await load(f"{write(tmp_path, STORED)}:graph")
    own, saver = loaded.graph.checkpointer, InMemorySaver()
    config = {"configurable": {"thread_id": "t"}}

    asked = await with_saver(loaded.graph, saver).ainvoke({"messages": []}, config)
    answers = {asked["__interrupt__"][0].id: "yes"}
    done = await with_saver(loaded.graph, saver).ainvoke(
        Command(resume=answers), config
    )

    assert done["messages"][-1].text == "yes: 3 steps"
    assert loaded.graph.checkpointer is own
    assert own.get_tuple(config) is None
    assert any("own checkpointer is not used" in note for note in loaded.notes)


async def test_copy_still_forgets_the_classes_of_the_state(tmp_path: Path):
    """The reason for `with_saver`; it may go when this fails."""
    loaded = await load(f"{write(tmp_path, STORED)}:graph")
    config = {"configurable": {"thread_id": "t"}}
    graph = loaded.graph.copy(update={"checkpointer": InMemorySaver()})

    await graph.ainvoke({"messages": []}, config)

    assert (await graph.aget_state(config)).values["plan"] == {"steps": 3}


REFUSED = {
    "no such name": ("x = 1", "no `graph` in their_graph.py."),
    "another name": (BUILDER, "no `graph` in their_graph.py; it has `builder`."),
    "no graph": ("graph = {'nodes': []}", "it is a dict, neither a graph nor a functi"),
    "broken": ("def graph(:", "SyntaxError: invalid syntax (their_graph.py, line 1)."),
    "raises": (
        "import os\n\ngraph = os.environ['NOT_SET_HERE']",
        "it cannot be imported: KeyError: 'NOT_SET_HERE' (their_graph.py, line 3).",
    ),
    "lacks a library": (
        "import nowhere_to_be_found",
        "ModuleNotFoundError: No module named 'nowhere_to_be_found' (their_graph.py",
    ),
    "ends the process": ("import sys\nsys.exit('bye')", "SystemExit: bye (their_gra"),
    "several lines": ("raise ValueError('one\\ntwo')", "ValueError: one (their_graph"),
    "a secret": ("raise ValueError('sk-1234567890abc')", "ValueError: [secret, "),
    "without a word": ("raise ValueError", "ValueError: without a word (their_graph"),
    "needs arguments": (
        "def graph(model, tools): ...",
        "it needs an argument model; a function may take nothing or one config.",
    ),
    "a function that raises": (
        "def graph():\n    return 1 / 0",
        "it raised: ZeroDivisionError: division by zero (their_graph.py, line 2).",
    ),
    "a coroutine that raises": (
        "async def graph(config):\n    raise OSError('no disk')",
        "it raised: OSError: no disk (their_graph.py, line 2).",
    ),
    "a function that ends the process": (
        "import sys\ndef graph(): sys.exit(3)",
        "it raised: SystemExit: 3 (their_graph.py, line 2).",
    ),
    "returns nothing": ("def graph(): ...", "it returns a NoneType, not a graph."),
    "returns a generator": (
        "async def graph():\n    yield 1",
        "it returns an async_generator, not a graph.",
    ),
    "a runnable": (
        "from langchain_core.runnables import RunnableLambda\n"
        "graph = RunnableLambda(str)",
        "it is a RunnableLambda, neither a graph nor a function.",
    ),
    "cannot be compiled": (
        "from langgraph.graph import MessagesState, StateGraph\n"
        "graph = StateGraph(MessagesState)",
        "it cannot be compiled: ValueError: Graph must have an entrypoint",
    ),
    "relative import": ("from .tools import x", "ImportError: attempted relative"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_loaded_ends_with_one_sentence(name: str, tmp_path: Path):
    text, words = REFUSED[name]
    path = write(tmp_path, text)

    assert words in await refusal(f"{path}:graph")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("graph.py", "allowed is path/to/file.py:name or package.module:name"),
        (":graph", "allowed is"),
        ("graph.py:", "allowed is"),
        ("graph.py:my graph", "allowed is"),
        ("nowhere/graph.py:graph", "there is no Python file "),
        ("./:graph", "there is no Python file "),
        ("nowhere_at_all:graph", "there is no module nowhere_at_all."),
        ("json.nowhere:graph", "there is no module json.nowhere."),
        ("json:graph", "no `graph` in json."),
        (".relative:graph", "it cannot be imported: TypeError: the 'package' arg"),
        ("\x1b[2J:graph", "there is no module \\u001b[2J."),
    ],
)
async def test_a_name_that_leads_nowhere_ends_with_one_sentence(spec: str, words: str):
    with pytest.raises(ConfigurationError) as caught:
        await load(spec)

    assert words in str(caught.value)
    assert str(caught.value).isprintable()


async def test_a_module_without_its_library_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path, "import nowhere_to_be_found", "their_module.py")
    monkeypatch.syspath_prepend(tmp_path)

    said = await refusal("their_module:graph")

    assert "No module named 'nowhere_to_be_found' (their_module.py, line 1)" in said


async def test_a_file_that_failed_can_be_mended_and_loaded(tmp_path: Path):
    spec = f"{write(tmp_path, 'import nowhere_to_be_found')}:builder"
    await refusal(spec)
    write(tmp_path, BUILDER + "# and a longer text, so that no cached code fits")

    assert (await load(spec)).input_channel == "messages"


async def test_the_traceback_stands_in_the_log_at_debug_alone(tmp_path: Path):
    path = write(tmp_path, "1 / 0")

    with capture_logs() as lines:
        await refusal(f"{path}:graph")

    [line] = lines
    assert line["log_level"] == "debug"
    assert isinstance(line["exc_info"], ZeroDivisionError)


async def test_loading_leaves_the_loop_free(tmp_path: Path):
    waits_for_the_loop = f"""
import pathlib, time
end = time.monotonic() + 20
while not pathlib.Path({str(tmp_path / "tick")!r}).exists():
    assert time.monotonic() < end, "the loop stood still"
    time.sleep(0.005)
"""
    path = write(tmp_path, BUILDER + waits_for_the_loop)
    asyncio.get_running_loop().call_later(0.02, (tmp_path / "tick").touch)

    assert (await load(f"{path}:builder")).input_channel == "messages"
