"""The shape of what Slack sends, checked once before anything reads it."""

from __future__ import annotations

from typing import Annotated, Any, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

Json = dict[str, Any]


def _storable(text: str) -> str:
    """Refuse what PostgreSQL cannot hold: NUL, and half a character."""
    if "\x00" in text:
        raise ValueError("NUL")
    text.encode()
    return text


Word = Annotated[str, AfterValidator(_storable)]


class _Loose(BaseModel):
    """A payload whose other fields may be anything: neither we nor Bolt read them."""

    model_config = ConfigDict(extra="ignore", strict=True)


class _Named(_Loose):
    id: Word | None = None
    team_id: Word | None = None
    enterprise_id: Word | None = None


Named = Word | _Named | None


class _Fields(_Loose):
    """The fields that Bolt looks for in payloads, events, and messages in events."""

    enterprise: Named = None
    team: Named = None
    user: Named = None
    channel: Named = None
    enterprise_id: Word | None = None
    team_id: Word | None = None
    user_id: Word | None = None
    channel_id: Word | None = None
    thread_ts: Word | None = None
    message: _Message | None = None
    previous_message: _Message | None = None
    item: _Fields | None = None
    assistant_thread: _Fields | None = None


class _Metadata(_Loose):
    event_payload: dict[str, Any] | None = None


class _Message(_Fields):
    ts: Word | None = None
    metadata: _Metadata | None = None


class _Event(_Fields):
    """https://docs.slack.dev/apis/events-api#event-type-structure"""

    type: Word
    subtype: Word | None = None
    bot_id: Word | None = None
    ts: Word | None = None
    channel_type: Word | None = None
    user_team: Word | None = None


class _Option(_Loose):
    value: Word | None = None


class _Action(_Loose):
    action_id: Word
    value: Word | None = None
    selected_option: _Option | None = None
    action_ts: Word | None = None


class _Input(_Loose):
    """The content of a view's input; other kinds of inputs have other fields."""

    value: Word | None = None
    selected_option: _Option | None = None


class _State(_Loose):
    values: dict[Word, dict[Word, _Input]] | None = None


class _Container(_Loose):
    channel_id: Word | None = None
    message_ts: Word | None = None


class _View(_Named):
    type: Word
    app_installed_team_id: Word | None = None
    callback_id: Word | None = None
    private_metadata: Word | None = None
    id: Word | None = None
    state: _State | None = None


class _Payload(_Fields):
    """https://docs.slack.dev/reference/interaction-payloads"""

    type: Word | None = None
    api_app_id: Word | None = None
    event_id: Word | None = None
    trigger_id: Word | None = None
    command: Word | None = None
    callback_id: Word | None = None
    authorizations: list[_Fields] | None = None
    event: _Event | None = None
    actions: Annotated[list[_Action], Field(min_length=1)] | None = None
    container: _Container | None = None
    view: _View | None = None
    function_data: dict[str, Any] | None = None
    response_urls: list[dict[str, Any]] | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        """Check that a person's action names the person, and what it was done to."""
        if self.type in ("block_actions", "view_submission"):
            if not (isinstance(self.user, _Named) and self.user.id):
                raise ValueError("no user")
            if not (self.actions or self.view):
                raise ValueError("neither actions nor a view")
        return self


def readable(payload: object) -> Json | None:
    """A payload whose fields have the types that Slack documents, else None.

    Fields that are null are left out: Bolt looks into whatever is there.
    """
    try:
        _Payload.model_validate(payload)
    except ValidationError:
        return None
    found = cast("Json", payload)
    return {name: value for name, value in found.items() if value is not None}
