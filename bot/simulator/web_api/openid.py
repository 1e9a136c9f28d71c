"""Methods of Sign in with Slack."""

from __future__ import annotations

from bot.simulator.shapes import Json
from bot.simulator.web_api.methods import Call, method


@method("openid.connect.token", caller="anyone")
def exchange(call: Call) -> Json:
    """Give a token, and say who signed in, for a code; once."""
    names = ("client_id", "client_secret", "code", "redirect_uri")
    asked = {name: call.args.required(name) for name in names}
    workspace = call.workspace
    return workspace.sign_ins.exchange(asked, workspace.clock())


@method("openid.connect.userInfo", caller="anyone")
def user_info(call: Call) -> Json:
    """Say whose token it is."""
    return call.workspace.sign_ins.whose(call.token)
