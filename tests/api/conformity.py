"""Holds every answer against the API's own description: status, content type, headers' worth of JSON Schema."""

from typing import Any

import httpx2
from fastapi import FastAPI
from jsonschema import Draft202012Validator, FormatChecker
from starlette.routing import compile_path

BASE = "/api/v1"


class Description:
    """The OpenAPI document of an application, able to check answers."""

    def __init__(self, app: FastAPI) -> None:
        self.document: dict[str, Any] = app.openapi()
        self._paths = [(compile_path(BASE + path)[0], item) for path, item in self.document["paths"].items()]

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, item in self._paths:
            if pattern.match(path) and method.lower() in item:
                found: dict[str, Any] = item[method.lower()]
                return found
        return None

    def refused_by(self, schema: dict[str, Any], value: Any) -> list[str]:
        """What the schema has against the value."""
        whole = {**schema, "components": self.document["components"]}
        checker = Draft202012Validator(whole, format_checker=FormatChecker())
        return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(value)]

    async def check(self, answer: httpx2.Response) -> None:
        """An event hook: fails on an answer that is not as described."""
        await answer.aread()
        asked = answer.request
        operation = self.operation(asked.method, asked.url.path)
        if operation is None:
            return
        told = operation["responses"].get(str(answer.status_code))
        assert told is not None, f"{asked.method} {asked.url.path} answers {answer.status_code}, which is not described"
        kind = answer.headers["content-type"]
        media = told["content"].get(kind) or told["content"].get(kind.split("/")[0] + "/*")
        assert media is not None, f"{asked.method} {asked.url.path} answers {answer.status_code} as {kind}"
        if kind.endswith("json"):
            faults = self.refused_by(media["schema"], answer.json())
            assert not faults, f"{asked.method} {asked.url.path} {answer.status_code}: {faults}"
