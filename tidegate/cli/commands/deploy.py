"""`tidegate deploy`: the stages as they pass, then where the model answers."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from model_runner.plain_text import plain
from tidegate.cli.context import load_settings, require_running
from tidegate.cli.exits import CliError, Exit
from tidegate.cli.output import console, print_json
from tidegate.settings import Settings

if TYPE_CHECKING:
    from tidegate.deployer import DeployConfig


def deploy(path: str, *, name: str | None, preview: str | None, as_json: bool) -> None:
    settings = load_settings()
    require_running(settings)
    # Loaded here, since it brings NumPy and the rest.

    from tidegate.deployer import Deployed, DeployError, StageDone  # noqa: PLC0415
    from tidegate.deployer import deploy as work  # noqa: PLC0415

    out = console()

    def show(stage: StageDone) -> None:
        if not as_json:
            seconds = f"{stage.name:<22}{stage.seconds:6.2f} s"
            out.print(Text.assemble(("✓", "green"), f" {seconds}  ", (stage.detail, "dim")))

    def tell(line: str) -> None:
        if not as_json:
            out.print(Text(f"  {plain(line)}", "dim"))

    try:
        done: Deployed = work(
            Path(path), deploy_config(settings), name=name, branch=preview, on_stage=show, on_line=tell
        )
    except DeployError as error:
        text = f"{error.reason}\nStage: {error.stage}. Nothing was switched: the version that was live still is."
        raise CliError(text, Exit.REFUSED) from error
    url = f"{settings.gateway_url}{done.predict_path}"
    if as_json:
        print_json({**asdict(done), "url": url})
    else:
        what = "live" if done.preview is None else f"the preview of {preview}"
        out.print(f"{done.model} version {done.version} is {what}: POST {url}", highlight=False, markup=False)


def deploy_config(settings: Settings) -> "DeployConfig":
    """What the deployer needs of the settings."""
    from tidegate.deployer.pipeline.configuring import deploy_config as made  # noqa: PLC0415

    return made(settings)
