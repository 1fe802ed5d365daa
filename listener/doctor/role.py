"""
The least that the listener must be allowed, as commands for mongosh.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from listener.doctor.database import Database, User


ROLE: Final = "evershelf"
OPLOG: Final = {"db": "local", "collection": "oplog.rs"}


def to_role(database: str, *collections: str) -> dict[str, Any]:
    """
    Return the document that `createRole` takes; *collections* are those followed.
    """
    their = [{"db": database, "collection": name} for name in collections]
    whole = {"db": database, "collection": ""}
    return {
        "role": ROLE,
        "privileges": [
            *({"resource": one, "actions": ["find", "changeStream"]} for one in their),
            {"resource": whole, "actions": ["listCollections"]},
        ],
        "roles": [],
    }


def to_commands(database: Database) -> str:
    """
    Return what an administrator types, one command a line.
    """
    role = _to_json(to_role(database.name, database.collection, *database.lookups))
    return "\n".join(
        (
            "let an administrator create this role in mongosh, and give it to the user:",
            'admin = db.getSiblingDB("admin")',
            f"admin.createRole({role})",
            _to_grant(database.user()),
        )
    )


def to_oplog_command() -> str:
    """
    Return what lets the role read the oplog as well.
    """
    privilege = _to_json([{"resource": OPLOG, "actions": ["find"]}])
    return (
        "to have it measured, allow this user to read the oplog: "
        f'db.getSiblingDB("admin").grantPrivilegesToRole("{ROLE}", {privilege})'
    )


def _to_grant(user: User) -> str:
    granted = _to_json([{"role": ROLE, "db": "admin"}])
    if user.name:
        there = f"db.getSiblingDB({_to_json(user.database)})"
        return f"{there}.grantRolesToUser({_to_json(user.name)}, {granted})"
    return (
        f'admin.createUser({{"user":"{ROLE}","pwd":passwordPrompt(),"roles":{granted}}})'
        "\nand name that user in MONGODB_URI: "
        f"mongodb://{ROLE}:PASSWORD@…/…?authSource=admin"
    )


def _to_json(value: object) -> str:
    return orjson.dumps(value).decode()
