"""What a model folder may hold, and what each mistake in it is told."""

from pathlib import Path

import pytest

from model_runner.errors import ModelError
from model_runner.folder.manifest import read_manifest
from model_runner.folder.reference import read_reference
from model_runner.folder.test_rows import read_test_rows
from model_runner.names import is_valid_name, suggested_name
from model_runner.schema.schema import Feature, Holds, Kind


def _folder(tmp_path: Path, toml: str = "", model: str = "model.joblib") -> Path:
    (tmp_path / model).write_bytes(b"")
    (tmp_path / "tidegate.toml").write_text(toml)
    return tmp_path


def test_everything_that_the_file_says_is_read(tmp_path: Path) -> None:
    toml = """
        name = "credit"
        workspace = "risk"
        task = "classification"
        example = { age = 40 }
        [features]
        age = "numeric"
        city = { type = "categorical", categories = ["a", "b"], nullable = false }
        vip = { type = "boolean", required = false }
        [reference]
        target = "paid"
        timestamp = "applied_at"
        ignore = ["id"]
        [drift]
        psi_threshold = 0.1
        baseline_rows = 500
        [mask]
        fields = ["age"]
    """
    manifest = read_manifest(_folder(tmp_path, toml))
    assert (manifest.name, manifest.workspace, manifest.task) == ("credit", "risk", "classification")
    assert manifest.features == (
        Feature(name="age", kind=Kind.NUMERIC),
        Feature(name="city", kind=Kind.CATEGORICAL, nullable=False, holds=Holds.STRING, categories=("a", "b")),
        Feature(name="vip", kind=Kind.BOOLEAN, required=False),
    )
    assert (manifest.reference_target, manifest.reference_ignore) == ("paid", ("id",))
    assert manifest.reference_timestamp == "applied_at"
    assert (manifest.psi_threshold, manifest.baseline_rows, manifest.mask) == (0.1, 500, ("age",))
    assert manifest.example == {"age": 40}


def test_a_model_file_alone_gets_defaults_and_the_folder_s_name(tmp_path: Path) -> None:
    folder = tmp_path / "My Model"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(b"")
    manifest = read_manifest(folder)
    assert (manifest.name, manifest.workspace, manifest.psi_threshold) == ("my-model", "default", 0.2)
    assert (manifest.features, manifest.reference_file, manifest.test_file, manifest.example) == (None,) * 4


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("name = =", ["tidegate.toml", "is not TOML", "line 1"]),
        ('nmae = "x"', ["unknown key 'nmae'", "'name'"]),
        ("[drift]\npsi = 0.2", ["[drift] psi", "psi_threshold"]),
        ('[reference]\ntimestamps = "at"', ["[reference] timestamps", "'timestamp'"]),
        ("[drift]\npsi_threshold = -1", ["psi_threshold", "> 0"]),
        ('name = "Big Name"', ["'Big Name'", "a-z", 'name = "big-name"']),
        ('[features]\nage = "numerical"', ["numerical", "age", "numeric, categorical, boolean"]),
    ],
)
def test_a_mistake_is_named_with_its_fix(tmp_path: Path, toml: str, says: list[str]) -> None:
    with pytest.raises(ModelError) as raised:
        read_manifest(_folder(tmp_path, toml))
    for text in says:
        assert text in str(raised.value)


def test_names_that_no_rule_allows_get_one_that_it_does() -> None:
    for name in ("Ünïcode", "-x-", "a" * 100, "", "///", "A B"):
        assert is_valid_name(suggested_name(name))
    assert not any(is_valid_name(name) for name in ("A", "-a", "a/b", "", "a" * 64, "a\n"))


def test_the_reference_s_columns_are_typed_and_the_target_left_out(tmp_path: Path) -> None:
    folder = _folder(tmp_path, '[reference]\ntarget = "y"\nignore = ["id"]\n')
    (folder / "reference.csv").write_text("id,age,city,vip,y\n1,40,a,true,0\n2,,b,false,1\n3,nan,,true,0\n")
    reference = read_reference(read_manifest(folder))
    assert reference is not None
    assert [(feature.name, feature.kind) for feature in reference.features] == [
        ("age", Kind.NUMERIC),
        ("city", Kind.CATEGORICAL),
        ("vip", Kind.BOOLEAN),
    ]
    assert list(reference.batches(2)) == [
        [{"age": 40, "city": "a", "vip": True}, {"age": None, "city": "b", "vip": False}],
        [{"age": None, "city": None, "vip": True}],
    ]


@pytest.mark.parametrize(
    ("toml", "content", "says"),
    [
        ('[reference]\ntarget = "clas"', "a,class\n1,2\n", ["'clas'", "'class'"]),
        ("", "a,b,a,b\n1,2,1,2\n", ["reference.csv", "has the column 'a', 'b' twice", "Rename or remove"]),
        ("", "a,b\n1,2\n3\n", ["reference.csv", "cannot be read"]),
        ("", "a,b\n", ["reference.csv", "no rows"]),
    ],
)
def test_a_bad_reference_is_refused(tmp_path: Path, toml: str, content: str, says: list[str]) -> None:
    folder = _folder(tmp_path, toml)
    (folder / "reference.csv").write_text(content)
    with pytest.raises(ModelError) as raised:
        read_reference(read_manifest(folder))
    for text in says:
        assert text in str(raised.value)


@pytest.mark.parametrize(
    ("content", "rows", "expected"),
    [
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}], None),
        ('{"a": 1}', [{"a": 1}], None),
        ('{"instances": [{"a": 1}], "expected": [5]}', [{"a": 1}], [5]),
    ],
)
def test_test_rows_come_in_three_shapes(tmp_path: Path, content: str, rows: object, expected: object) -> None:
    folder = _folder(tmp_path)
    (folder / "test_data.json").write_text(content)
    found = read_test_rows(read_manifest(folder))
    assert found is not None
    assert (found.rows, found.expected) == (rows, expected)


@pytest.mark.parametrize("content", ["{", "[]", "[1]", '{"instances": [{}], "expected": [1, 2]}', "null"])
def test_other_test_rows_are_refused(tmp_path: Path, content: str) -> None:
    folder = _folder(tmp_path)
    (folder / "test_data.json").write_text(content)
    with pytest.raises(ModelError, match=r"test_data\.json"):
        read_test_rows(read_manifest(folder))


@pytest.mark.parametrize(
    "content",
    [
        "x = " + "[" * 5000,
        "x = " + "9" * 10_000,
        "a" + ".a" * 200_000 + " = 1",
        "[example]\n" + '"x"' + " . 'x'" * 100_000 + " = 1",
        "[example]\nx = {" + "x" + ".x" * 200_000 + " = 1}",
        "[a" + ".a" * 200_000 + "]",
        "a" * 900_000,
        '"' * 900_000,
        "# " + "x" * 4_000_000,
        "name = 1979-05-27T07:32:00Z",
        "[features]\nx = 99999999999999999999999999",
    ],
)
def test_a_toml_bomb_is_refused_in_words(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.pkl").write_bytes(b"x")
    (tmp_path / "tidegate.toml").write_text(content)
    with pytest.raises(ModelError, match=r"^tidegate\.toml: "):
        read_manifest(tmp_path)
