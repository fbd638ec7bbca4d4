"""What a requirements.txt may say, line by line, and what each refusal says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_runner.environment.needs import with_needs
from model_runner.environment.requirements import MAX_BYTES, parse_requirements
from model_runner.errors import ModelError

HOST = {"msgspec": "0.22.0", "numpy": "2.4.6"}


def test_plain_lines_comments_extras_and_markers_are_taken() -> None:
    content = (
        "\ufeff# what the model was trained with\n"
        "scikit-learn==1.8.0   # the estimator\n"
        "\n"
        'pandas[parquet,excel]==2.2.3 ; python_version >= "3.9"\r\n'
        "lightgbm >=4.3, <5\n"
        "torch==2.13.0+cpu\n"
        "joblib"
    )
    lines = parse_requirements(content.encode())
    assert [(line.number, line.requirement.name) for line in lines] == [
        (2, "scikit-learn"),
        (4, "pandas"),
        (5, "lightgbm"),
        (6, "torch"),
        (7, "joblib"),
    ]
    assert lines[1].requirement.extras == {"parquet", "excel"}
    assert str(lines[1].requirement.marker) == 'python_version >= "3.9"'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("-r /etc/passwd", "'-r' is not allowed"),
        ("-rother.txt", "'-r' is not allowed"),
        ("--requirement=other.txt", "'--requirement' is not allowed"),
        ("-c constraints.txt", "'-c' is not allowed"),
        ("-i http://evil.example/simple", "'-i' is not allowed"),
        ("--index-url http://evil.example/simple", "'--index-url' is not allowed"),
        ("--extra-index-url=http://evil.example", "'--extra-index-url' is not allowed"),
        ("--find-links /tmp", "'--find-links' is not allowed"),
        ("--trusted-host evil.example", "'--trusted-host' is not allowed"),
        ("-e .", "'-e' is not allowed"),
        ("-e git+https://evil.example/x.git", "'-e' is not allowed"),
        ("git+https://evil.example/x.git", "a path or an address"),
        ("git+ssh://git@evil.example/x.git#egg=x", "a path or an address"),
        ("x @ git+https://evil.example/x.git", "from an address or a path"),
        ("x @ https://evil.example/x-1-py3-none-any.whl", "from an address or a path"),
        ("numpy @ file:///croot/numpy_1707", "from an address or a path"),
        ("https://evil.example/x-1.tar.gz", "a path or an address"),
        ("./wheels/x-1-py3-none-any.whl", "a path or an address"),
        ("/etc/passwd", "a path or an address"),
        ("..", "a path or an address"),
        ("x-1-py3-none-any.whl", "a path or an address"),
        ("scikit-learn==1.8.0 \\", "goes on in the next line"),
        ("scikit-learn==1.8.0 --hash=sha256:00", "has an option"),
        ("scikit-learn=1.8.0", "is no requirement"),
        ("scikit-learn==1.8.0, pandas==2.2.3", "is no requirement"),
        ("pandas==2.2.3; import_os", "is no requirement"),
        ("${SECRET}", "is no requirement"),
        ("numpy<" + "9" * 5000, "is no requirement"),
    ],
)
def test_anything_that_names_a_place_or_an_option_is_refused_with_its_line(line: str, says: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_requirements(f"# first\njoblib==1.5.0\n{line}\n".encode())
    assert caught.value.file == "requirements.txt"
    assert caught.value.problem.startswith("line 3: ")
    assert says in caught.value.problem
    assert len(caught.value.fix) > 10


def test_a_file_in_another_encoding_is_refused_with_the_command_that_helps() -> None:
    with pytest.raises(ModelError, match="Out-File -Encoding utf8"):
        parse_requirements("numpy==2.1.0  # für uns\n".encode("latin-1"))
    with pytest.raises(ModelError, match="more than"):
        parse_requirements(b"#" * (MAX_BYTES + 1))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_the_files_of_windows_shells_are_taken(encoding: str) -> None:
    (line,) = parse_requirements("numpy==2.1.0\r\n".encode(encoding))
    assert str(line.requirement) == "numpy==2.1.0"


FREEZE = b"""\
numpy @ file:///croot/numpy_1707225380409/work/dist/numpy-1.26.4-cp311-cp311-linux_x86_64.whl#sha256=d2
scikit-learn==1.8.0
joblib @ file:///croot/joblib_1718217211762/work
pkg_resources==0.0.0
-e git+https://example.invalid/own.git#egg=own
pandas=2.2.1=py311hdb8f0d5_0
"""


def test_all_bad_lines_of_a_freeze_are_told_at_once_with_what_can_be_taken() -> None:
    with pytest.raises(ModelError) as caught:
        parse_requirements(FREEZE)
    error = caught.value
    assert error.problem == "5 of its 6 lines cannot be taken"
    first, *said = error.fix.splitlines()
    assert first == "Correct them all"
    assert [line.partition(":")[0] for line in said[:-2]] == ["lines 1, 3", "line 4", "line 5", "line 6"]
    assert "pip list --format=freeze > requirements.txt" in said[0]
    names = said[-1].split(", ")
    assert names == ["numpy==1.26.4", "scikit-learn==1.8.0", "joblib", "pandas==2.2.1"]
    assert len(parse_requirements("\n".join(names).encode())) == 4, "the advice can be followed"


@given(st.lists(st.sampled_from([*FREEZE.decode().splitlines(), "-r x", "./x", "a b", "c=1", "d==1"]), max_size=200))
def test_what_is_shown_of_a_long_file_is_bounded_and_can_be_taken(lines: list[str]) -> None:
    fix = _fix_of("\n".join(lines).encode())
    assert len(fix.splitlines()) <= 30
    _, _, clean = fix.partition("one a line:\n")
    parse_requirements(clean.replace(", ", "\n").encode())


def _fix_of(content: bytes) -> str:
    """Empty where there is nothing to fix."""
    try:
        parse_requirements(content)
    except ModelError as error:
        return error.fix
    return ""


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_no_text_gets_through_that_is_more_than_a_name_versions_and_a_marker(text: str) -> None:
    try:
        lines = parse_requirements(text.encode())
    except ModelError:
        return
    for line in lines:
        assert line.requirement.url is None
        written = str(line.requirement)
        assert "\n" not in written
        assert re.match(r"[A-Za-z0-9]", written), "it would be read as an option or a path"


def test_the_runner_gets_what_it_needs_and_a_conflict_names_both() -> None:
    lines = parse_requirements(b"pandas==2.2.3\nnumpy==1.26.4\nmsgspec>=0.20\n")
    assert with_needs(lines, HOST) == ["pandas==2.2.3", "numpy==1.26.4", "msgspec>=0.20", "msgspec==0.22.0", "numpy"]

    with pytest.raises(ModelError) as caught:
        with_needs(parse_requirements(b"pandas==2.2.3\nMsgSpec==0.18.0\n"), HOST)
    assert str(caught.value) == (
        "requirements.txt: line 2: MsgSpec==0.18.0 conflicts with msgspec==0.22.0, which the runner of the model needs"
        ". Remove the line, or write msgspec==0.22.0"
    )
