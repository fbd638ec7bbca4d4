"""Bodies of prediction requests: our own forms, those of other servers, and what is nearly one of them."""

import json
from typing import Any

import pytest

from gateway.bodies.instance_form import Form
from gateway.bodies.json_body import decode
from gateway.bodies.requests import Batch, parse_batch
from gateway.refusals import Refusal

FORM = Form(frozenset({"a", "b"}), ("a", "b"), {"a": 0.5, "b": -0.25})
NAMED = Form(frozenset({"a", "b"}), None, {"a": 0.5, "b": -0.25})
BARE = Form()
SENT = {"a": 1, "b": 2}


def batch(body: Any, form: Form = FORM) -> Batch:
    return parse_batch(body if isinstance(body, bytes) else json.dumps(body).encode(), form, 100)


def refusal(body: Any, form: Form = FORM) -> Refusal:
    with pytest.raises(Refusal) as refused:
        batch(body, form)
    return refused.value


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [SENT, {"a": 3, "b": None}]},
        {"instances": [[1, 2], [3, None]]},
        {"dataframe_split": {"columns": ["b", "a"], "data": [[2, 1], [None, 3]]}},
        {"dataframe_split": {"index": [7, 9], "columns": ["a", "b"], "data": [[1, 2], [3, None]]}},
        {"dataframe_records": [SENT, {"a": 3, "b": None}]},
    ],
)
def test_what_can_mean_one_thing_only_is_answered(body: Any) -> None:
    assert batch(body) == Batch([SENT, {"a": 3, "b": None}], single=False)


@pytest.mark.parametrize("form", [FORM, BARE])
def test_one_bare_object_is_one_instance(form: Form) -> None:
    assert batch(SENT, form) == Batch([SENT], single=True)
    assert batch({}, form) == Batch([{}], single=True)


def test_a_model_may_have_a_feature_of_such_a_name() -> None:
    for name in ("instances", "dataframe_split", "inputs", "data"):
        for value in ("x", [1.5], [[1, 2]], {"columns": ["a"], "data": [[1]]}):
            body = {name: value, "a": 1}
            assert batch(body, Form(frozenset({name, "a"}), (name, "a"))) == Batch([body], single=True)


def test_what_has_no_schema_is_given_to_the_model_as_it_came() -> None:
    assert batch({"inputs": [SENT]}, BARE) == Batch([{"inputs": [SENT]}], single=True)


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [SENT]},
        {"inputs": [[1, 2]]},
        {"inputs": {"a": [1], "b": [2]}},
        {"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}, {"name": "b", "data": [2]}]},
        {"inputs": [{"name": "input-0", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}]},
        {"inputs": [{"name": "input-0", "shape": [1, 2], "datatype": "FP64", "data": [[1, 2]]}]},
        {"data": {"names": ["a", "b"], "ndarray": [[1, 2]]}},
        {"data": {"names": ["a", "b"], "tensor": {"shape": [1, 2], "values": [1, 2]}}},
        {"input_data": {"columns": ["a", "b"], "index": [0], "data": [[1, 2]]}},
        {"Inputs": {"data": [SENT]}, "GlobalParameters": 1.0},
        {"signature_name": "serving_default", "inputs": {"a": [1], "b": [2]}},
        {"instances": SENT},
        {"instances": [SENT], "parameters": {}},
        {"instances": [SENT], "signature_name": "serving_default"},
        {"dataframe_records": SENT},
        {"dataframe_records": [SENT], "params": {}},
        [SENT],
        [[1, 2]],
        [1, 2],
    ],
)
def test_the_bodies_of_other_servers_are_met_with_ours_and_their_values(body: Any) -> None:
    refused = refusal(body)
    assert (refused.status, refused.code) == (400, "invalid_body")
    assert refused.details == [{"send": {"instances": [SENT]}}]
    assert batch(refused.details[0]["send"]) == Batch([SENT], single=False), "what it says can be sent"
    assert 'Send {"instances":[{"a":1,"b":2}]}' in refused.message


def test_lists_are_refused_where_nobody_knows_their_order() -> None:
    for body in ({"instances": [[1, 2]]}, {"inputs": [[1, 2]]}, [[1, 2]]):
        refused = refusal(body, NAMED)
        assert refused.details == [{"send": {"instances": [NAMED.example]}}], "their values would get wrong names"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"instances": [[1, 2], [1, 2, 3]]}, "instances[1] is no list of 2 values, one for each of a, b"),
        ({"instances": [[1, 2], SENT]}, "instances[1] is no list"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "dataframe_split.data[0] is no list of 1 values"),
        ({"dataframe_split": {"data": [[1, 2]]}}, '"columns", a list of names'),
        ({"dataframe_split": {"columns": ["a", 5], "data": [[1, 2]]}}, '"columns", a list of names'),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "names 'a' twice"),
        ({"instances": 5}, '{"instances":[{"a":0.5,"b":-0.25}]}'),
        ("text", '{"instances":[{"a":0.5,"b":-0.25}]}'),
        (None, '{"instances":[{"a":0.5,"b":-0.25}]}'),
    ],
)
def test_what_is_nearly_a_form_says_what_it_lacks(body: Any, says: str) -> None:
    refused = refusal(body)
    assert refused.status == 400
    assert says in refused.message


def test_misspelt_features_are_left_to_the_schema() -> None:
    assert batch({"aa": 1, "bb": 2}) == Batch([{"aa": 1, "bb": 2}], single=True)


def test_a_long_body_is_shown_in_part_and_sent_back_only_where_it_is_short() -> None:
    names = [f"feature_{number:04}" for number in range(3000)]
    wide = Form(frozenset(names), tuple(names), None)
    refused = refusal({"inputs": [dict.fromkeys(names, 0.123456)] * 10}, wide)
    assert len(refused.message) < 600
    assert refused.message.endswith("… and so on, 10 in all")
    assert refused.details == []


@pytest.mark.parametrize("body", [b'\xef\xbb\xbf{"a": 1, "b": 2}', b'\xef\xbb\xbf {"b": 2, "a": 1}\r\n'])
def test_a_byte_order_mark_is_skipped(body: bytes) -> None:
    assert batch(body) == Batch([SENT], single=True)


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_named(coding: str) -> None:
    refused = refusal(json.dumps(SENT).encode(coding))
    assert (refused.status, refused.code) == (400, "invalid_json")
    assert "UTF-8" in refused.message


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"a": 1, "a": 2, "b": 3}', "a"),
        ('{"b": "x:y", "a": 1, "b": "::"}', "b"),
        (r'{"b": "\u003a", "a": 1, "\u0061": 2}', "a"),
        ('{"instances": [{"a": 1, "b": 2}, {"a": 1, "b": 2, "b": 2}]}', "b"),
        ('{"instances": [{"a": 1, "b": 2}], "instances": []}', "instances"),
        ('{"a": {"deep": [{"x": 1, "x": 1}]}, "b": 2}', "x"),
        ('{"": 1, "": 2}', ""),
        ('{"instances": [{"a": "2026-01-01T10:00:00", "b": 1, "a": "2026-01-01T10:00"}]}', "a"),
    ],
)
def test_a_field_that_stands_twice_is_refused_by_its_name(body: str, field: str) -> None:
    refused = refusal(body.encode())
    assert (refused.status, refused.code) == (400, "duplicate_field")
    assert refused.details[0]["field"] == field
    assert repr(field) in refused.message


@pytest.mark.parametrize(
    "body",
    [
        {"a": "12:30:59", "b": ["::", {"c": ":"}]},
        {"a:b": 1, "": 2},
        {"instances": [{"a": "http://x:80/", "b": 1}] * 3},
        {"instances": [{"a": {"b": {"c": ":"}}}]},
        {"a": '"a": 1, "a": 2', "b": "\\u003a"},
    ],
)
def test_colons_elsewhere_are_no_second_field(body: Any) -> None:
    for ascii_only in (True, False):
        assert decode(json.dumps(body, ensure_ascii=ascii_only).encode()) == body


@pytest.mark.parametrize(
    ("body", "where", "row", "field"),
    [
        ('{"a": 1e3, "device id": -1.5E+999}', "device id", 0, "device id"),
        ('{"a": ' + "9" * 300 + 'e300, "b": 2}', "a", 0, "a"),
        ("[1e400]", "[0]", 0, "[0]"),
        ('{"a": 1, "b": 1E400}', "b", 0, "b"),
        ('{"a": -2e308, "b": 1}', "a", 0, "a"),
        ('{"instances": [{"a": 1, "b": 2}, {"a": 1, "b": 9e999}]}', "instances[1].b", 1, "b"),
        ('{"a": 1, "b": ' + "9" * 5000 + "}", "b", 0, "b"),
        ('{"a": {"x": [0, 1e999]}, "b": 1}', "a.x[1]", 0, "a.x[1]"),
    ],
)
def test_a_number_that_nothing_can_hold_is_refused_with_its_field(body: str, where: str, row: int, field: str) -> None:
    refused = refusal(body.encode())
    assert (refused.status, refused.code) == (400, "out_of_range")
    assert refused.message.startswith(f"{where!r} is ")
    assert "beyond what a number can be (1.8e308)" in refused.message
    assert len(refused.message) < 200
    assert (refused.details[0]["row"], refused.details[0]["field"]) == (row, field)
