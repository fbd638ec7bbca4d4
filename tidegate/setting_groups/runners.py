"""The processes or pods that models run in: how long they may take, and what they may use."""

from typing import Literal

from pydantic import Field, SecretStr

from model_runner.folder.toml_file import MOST_REPLICAS
from tidegate.setting_groups.group import SettingGroup


class RunnerSettings(SettingGroup):
    """Each is the variable TIDEGATE_ and its name in capitals."""

    runner_queue: int = Field(
        default=512, ge=1, description="Requests waiting for one runner; one more gets 503 with Retry-After."
    )
    runner_timeout_s: float = Field(default=30.0, gt=0, description="Seconds that a prediction may take in the runner.")
    runner_start_timeout_s: float = Field(
        default=60.0, gt=0, description="Seconds that a model may take to load and warm."
    )
    launcher: Literal["process", "kubernetes"] = Field(
        default="process",
        description="What runs the runners: `process` on this machine, or `kubernetes` as pods of a cluster "
        "(docs/kubernetes.md).",
    )
    kubernetes_image: str | None = Field(
        default=None,
        description="Image of the runners' pods: one with Tidegate in it, such as deploy/Dockerfile makes.",
    )
    kubernetes_namespace: str = Field(default="default", description="Namespace of the runners' pods.")
    kubernetes_owner: str = Field(
        default="tidegate",
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="Label of all that this Tidegate makes there; what bears it and is not wanted is deleted. Several "
        "in one namespace need one each.",
    )
    kubernetes_artifacts_secret: str | None = Field(
        default=None,
        description="Secret there whose keys are environment variables of the step that fetches the model's files: "
        "the credentials of TIDEGATE_ARTIFACTS_URL.",
    )
    runner_key: SecretStr | None = Field(
        default=None,
        description="Key from which the tokens of runners on other machines are derived. Default: `runner-key` in the "
        "home folder, made when it is needed.",
    )
    wake_queue: int = Field(
        default=100,
        ge=1,
        description="Requests that wait for one sleeping model to be started; one more gets 503 with Retry-After.",
    )
    wake_timeout_s: float = Field(
        default=30.0, gt=0, description="Seconds that one of them waits before it gets 503 with Retry-After."
    )
    sandbox: Literal["auto", "bubblewrap", "landlock"] = Field(
        default="auto",
        description="What confines the processes in which models run: `bubblewrap`, `landlock`, or `auto` for the "
        "first of them that works on this machine.",
    )
    sandbox_network: str = Field(
        default="",
        description="Models that may use the network, as `model` or `workspace/model` with commas between; no other "
        "may.",
    )
    allow_unsandboxed: bool = Field(
        default=False,
        description="Whether models run with your own rights where no sandbox works (macOS); otherwise they are "
        "refused there.",
    )
    max_model_memory_mb: int | None = Field(
        default=None,
        ge=256,
        description="Most megabytes that a model may ask for under `[limits] memory`. Default: this machine's memory; "
        "none with pods.",
    )
    max_total_memory_mb: int | None = Field(
        default=None,
        ge=256,
        description="Megabytes that all runners may take together, by their `[limits] memory`; those that sleep take "
        "none. Default: four times this machine's memory, since a limit is a ceiling of which an ordinary model takes "
        "a tenth; none with pods.",
    )
    max_cpus: float = Field(default=64.0, gt=0, description="Most that a model may ask for under `[limits] cpus`.")
    max_load_seconds: float = Field(
        default=600.0, gt=0, description="Most seconds that a model may ask for under `[limits] load_seconds`."
    )
    max_predict_seconds: float = Field(
        default=600.0, gt=0, description="Most seconds that a model may ask for under `[limits] predict_seconds`."
    )
    max_replicas: int = Field(
        default=16,
        ge=1,
        le=MOST_REPLICAS,
        description="Most runners of one deployment, by `[serving] replicas` or `tidegate scale`.",
    )
