"""Read a policy file: all that is wrong with it, or a policy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import rfc8785
from pydantic import ValidationError

from bot.approvals.policy.build import build
from bot.approvals.policy.checks import check_data, group_sizes
from bot.approvals.policy.complaints import Complaint, PolicyError, kind
from bot.approvals.policy.model import Policy
from bot.approvals.policy.schema import Known, PolicyShape
from bot.approvals.policy.time_checks import check_times
from bot.approvals.policy.words import complaints_of, empty_values
from bot.approvals.policy.yaml_text import MAX_BYTES, read_yaml, too_big


def load_policy(path: Path) -> Policy:
    """Read the policy at `path`; raises PolicyError with every complaint."""
    return parse_content(read_content(path))


def read_content(path: Path) -> bytes:
    """The bytes of a policy file; raises PolicyError if there are none to be had."""
    try:
        if path.exists() and not path.is_file():
            raise PolicyError([Complaint("", f"The policy {path} is no file.")])
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        sentence = f"The policy file {path} is not there; set POLICY_FILE or write it."
        raise PolicyError([Complaint("", sentence)]) from error
    except OSError as error:
        sentence = f"The policy file {path} cannot be read: {error.strerror}."
        raise PolicyError([Complaint("", sentence)]) from error
    return content


def parse_content(content: bytes) -> Policy:
    """Check the bytes of a policy file; raises PolicyError with every complaint."""
    if len(content) > MAX_BYTES:
        raise PolicyError([too_big()])
    return parse_policy(_decoded(content))


def parse_policy(text: str) -> Policy:
    """Check the text of a policy; raises PolicyError with every complaint."""
    data, complaints = read_yaml(text)
    if data is None and not complaints:
        raise PolicyError([Complaint("", "The policy is empty; write `version: 1`.")])
    if not isinstance(data, dict):
        sentence = f"The policy must be a mapping of keys to values, not {kind(data)}."
        raise PolicyError([Complaint("", sentence)])
    content = cast("dict[str, Any]", data)
    shape, wrong = _shape(content)
    complaints += wrong
    said = {complaint.path for complaint in complaints}
    complaints += [each for each in empty_values(content) if each.path not in said]
    complaints += check_data(content)
    complaints += check_times(shape) if shape else []
    if complaints or shape is None:
        raise PolicyError(complaints)
    return build(shape, _version(content))


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        sentence = "this is not UTF-8; save the file as UTF-8."
        raise PolicyError([Complaint(f"line {line}", sentence)]) from error


def _shape(data: Mapping[str, Any]) -> tuple[PolicyShape | None, list[Complaint]]:
    sizes = group_sizes(data)
    context = None if sizes is None else Known(sizes)
    try:
        return PolicyShape.model_validate(data, context=context), []
    except ValidationError as error:
        return None, complaints_of(error)


def _version(data: Mapping[str, Any]) -> str:
    """Hash the content, so that comments and the order of keys do not count."""
    return hashlib.sha256(rfc8785.dumps(dict(data))).hexdigest()[:12]
