"""A deployment that nothing watches yet is told so at its stage `profile`."""

from pathlib import Path

from model_runner.checking.report import Report
from model_runner.environment import PreparedEnvironment
from model_runner.folder.manifest import read_manifest
from model_runner.folder.reference import read_reference
from model_runner.folder.schema_source import inputs_from
from model_runner.process.launch import HOST_PYTHON
from model_runner.wire.frames import RunnerInfo
from tidegate.deployer.pipeline.profiling import reference_profile
from tidegate.deployer.pipeline.registering import describe_profile


def report_of(folder: Path, predictions: list[object]) -> Report:
    manifest = read_manifest(folder, "m")
    reference = read_reference(manifest)
    return Report(
        manifest=manifest,
        inputs=inputs_from(manifest, None, reference, None),
        info=RunnerInfo(state="ready", deployment_id="d", pid=1),
        test=None,
        test_predictions=[],
        reference=reference,
        reference_predictions=predictions,
        stages=(),
        prepared=PreparedEnvironment(HOST_PYTHON),
    )


def test_without_a_reference_it_says_unwatched_and_until_when(tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_text("def load(folder): ...\ndef predict(model, rows): ...\n")
    (tmp_path / "tidegate.toml").write_text("[drift]\nbaseline_rows = 300\n")
    report = report_of(tmp_path, [])
    profile = reference_profile(report, "m", 1)
    assert describe_profile(profile, report) == "no reference: UNWATCHED until the first 300 events, which become it"
    (tmp_path / "reference.csv").write_text("a\n" + "".join(f"{number}\n" for number in range(200)))
    report = report_of(tmp_path, [float(number) for number in range(200)])
    profile = reference_profile(report, "m", 1)
    assert describe_profile(profile, report) == "200 rows, 2 series"
