"""Write a change of what people approve in place of what was shown before."""

from __future__ import annotations

from bot.approvals import digest
from bot.approvals.audit import SQL, append
from bot.approvals.audit_detail import edit_fact
from bot.approvals.chains import manner, write_chain
from bot.approvals.choice import Choice
from bot.approvals.edit import Edit
from bot.approvals.model import Request
from bot.approvals.seen import see
from bot.database.pool import Connection


async def rewrite(
    connection: Connection, request: Request, choice: Choice, edit: Edit
) -> None:
    """Store the edited call, or the answer, with the chain on which nobody has decided.

    The request's row is locked by the caller.
    """
    new = edit.request
    what = SQL["give_answer"] if new.answer_json != request.answer_json else SQL["edit"]
    await connection.execute(
        what,
        {
            "id": request.id,
            "length": len(new.stages),
            "arguments": digest.storable(new.arguments),
            "answer": new.answer_json,
            "call_digest": new.call_digest,
            "grant_digest": new.grant_digest,
            "rules": list(new.rules),
            "why": list(new.why),
            "policy_version": new.policy_version,
            "edited_by": new.edited_by,
            "token": new.token,
            **manner(new),
        },
    )
    await see(connection, request.id, new.call_digest, choice.seen)
    await write_chain(connection, edit.begun)
    await append(connection, [edit_fact(request, new, choice)])
