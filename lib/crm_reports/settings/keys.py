"""What may stand at each key of reports.toml, read off the models' own fields: the second half of a sentence about a mistake."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel

ANY = "*"  # stands for a name that the file's writer gives


class Key(NamedTuple):
    """What is allowed at a key, in words, and the values to choose from where they are few."""

    words: str
    choices: tuple[str, ...]


def keys(model: type[BaseModel]) -> dict[str, Key]:
    """Every key that the file may hold, such as source.demo.deals: its field's description, else what its type says."""
    schema = model.model_json_schema()
    return dict(_keys(schema["properties"], schema["$defs"], ""))


def _keys(fields: dict[str, Any], tables: dict[str, Any], inside: str) -> Iterator[tuple[str, Key]]:
    for name, field in fields.items():
        table = _table(field, tables)
        choices = field.get("enum") or field.get("items", {}).get("enum", ())
        if words := field.get("description") or _words(field, table, [repr(choice) for choice in choices]):
            yield f"{inside}{name}", Key(words, tuple(filter(None, choices)))
        yield from _keys(table.get("properties", {}), tables, f"{inside}{name}.")
        yield from _keys(_each(field, tables).get("properties", {}), tables, f"{inside}{name}.{ANY}.")


def _table(field: dict[str, Any], tables: dict[str, Any]) -> dict[str, Any]:
    """The schema of the table that stands there, alone or in a list; empty where none does."""
    for part in (field, field.get("items", {}), *field.get("anyOf", ())):
        if "$ref" in part:
            return tables[part["$ref"].rpartition("/")[2]]
    names = field.get("propertyNames", {}).get("enum", ())
    return {"properties": dict.fromkeys(names, field["additionalProperties"])} if names else {}


def _each(field: dict[str, Any], tables: dict[str, Any]) -> dict[str, Any]:
    """The schema of the tables that stand there under names of their writer's own; empty where none do."""
    reference = field.get("additionalProperties")
    return tables[reference["$ref"].rpartition("/")[2]] if isinstance(reference, dict) and "$ref" in reference else {}


def _words(field: dict[str, Any], table: dict[str, Any], choices: list[str]) -> str:
    if table.get("properties"):
        needs = " and ".join(table.get("required", ()))
        return f"a table with {needs} at least" if needs else f"a table of {', '.join(table['properties'])}"
    if choices:
        choice = f"{', '.join(choices[:-1])} or {choices[-1]}"
        return f"a list of {', '.join(choices)}" if field.get("type") == "array" else choice
    if field.get("type") == "boolean":
        return "true or false"
    number = {"integer": "a whole number", "number": "a number"}.get(field.get("type", ""), "")
    most = f" to {field['maximum']}" if "maximum" in field else ""
    return number and f"{number} from {field['minimum']}{most}"
