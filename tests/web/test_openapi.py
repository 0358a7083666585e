"""The document of the API: every route in it, each member with a sentence, roles as they are."""

from __future__ import annotations

import pytest

from beemon.web.openapi import describe
from beemon.web.roles import Role
from beemon.web.site import Site
from tests.web.asking import ask, options_for


@pytest.fixture
def routes(archive, tmp_path):
    return Site(options_for(archive, tmp_path)).routes


@pytest.fixture
def document(routes):
    return describe(routes)


def test_it_is_served_to_everybody(archive, tmp_path, document):
    [told] = ask(options_for(archive, tmp_path), "/api/openapi.json", role=Role.NOBODY)
    assert (told.status, told.json) == (200, document)


def test_each_documented_route_is_in_it_with_its_role(routes, document):
    for route in routes:
        operation = document["paths"].get(route.path, {}).get(route.method.lower())
        assert bool(operation) == route.is_document
        if operation:
            assert operation["description"] == f"Role: {route.role.name.lower()}."
            assert bool(operation["security"]) == (route.role > Role.NOBODY)


def test_each_operation_has_a_name_of_its_own(document):
    names = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(names) == len({*names})


def test_each_parameter_of_a_path_is_described(document):
    for path, operations in document["paths"].items():
        named = {part.partition("}")[0] for part in path.split("{")[1:]}
        for operation in operations.values():
            assert {p["name"] for p in operation["parameters"] if p["in"] == "path"} == named


def test_each_member_has_a_sentence(document):
    lacking = [
        f"{name}.{member}"
        for name, schema in document["components"]["schemas"].items()
        for member, told in schema["properties"].items() if not told.get("description")
    ]
    assert lacking == []


def test_each_reference_leads_to_a_schema(document):
    def references(told):
        if isinstance(told, dict):
            yield from [told["$ref"]] if "$ref" in told else []
            for value in told.values():
                yield from references(value)
        elif isinstance(told, list):
            for value in told:
                yield from references(value)

    found = {*references(document)}
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert found <= known
    assert known - found <= {"#/components/schemas/Error"}
