"""Model folders whose code attacks, and runner processes confined as the stack confines them."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from model_runner.limits import Limits
from model_runner.process.launch import runner_command
from model_runner.sandbox.permissions import open_up
from model_runner.sandbox.plan import Mechanism
from model_runner.sandbox.policy import SandboxPolicy, confine
from model_runner.sandbox.probing import probe
from tests.support.children import Child

ATTACKER = Path(__file__).parent / "attacker.py"
MECHANISMS = (Mechanism.BUBBLEWRAP, Mechanism.LANDLOCK)


def policy_of(mechanism: Mechanism) -> SandboxPolicy:
    """The policy that insists on it; the test is skipped, loudly, where this machine lacks it."""
    found = probe()
    trouble = found.bwrap_trouble if mechanism is Mechanism.BUBBLEWRAP else found.landlock_trouble
    if trouble:
        pytest.skip(f"NOT TESTED: the sandbox by {mechanism}: {trouble}")
    return SandboxPolicy(mechanism)


def write_attacker(folder: Path, on_load: str = "", limits: str = "") -> Path:
    """A folder whose model does what the feature `act` says, and `on_load` (a call in attacker.py) when it is loaded.

    Its pickle names the module beside it, which its own tidegate.toml allows: the sandbox has to hold it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ATTACKER, folder / "attacker.py")
    (folder / "model.pkl").write_bytes(b"cattacker\nload\n(V" + on_load.encode() + b"\ntR.")
    features = '[features]\nact = "categorical"\ntarget = "categorical"\n'
    (folder / "tidegate.toml").write_text(
        f'name = "attacker"\n{features}[scan]\nallow = ["attacker.load"]\n[limits]\n{limits}\n'
    )
    (folder / "test_data.json").write_text(json.dumps({"instances": [{"act": "answer", "target": "1"}]}))
    open_up(folder)
    return folder


class ConfinedRunner:
    """A runner as the supervisor starts it."""

    def __init__(
        self, folder: Path, scratch: Path, mechanism: Mechanism, limits: Limits, *, user_namespace: bool = False
    ) -> None:
        confinement = confine(
            policy_of(mechanism), limits, workspace="default", model="attacker", process=f"attack-{scratch.name}"
        )
        if user_namespace:  # as for everybody but root
            confinement = replace(confinement, uid=None)
        self.socket = scratch / "s"
        launch = runner_command(folder, "d-1", confinement=confinement)
        self.child = Child(launch.argv, scratch, "runner", env=launch.env, inherit=False, listens_at=self.socket)


@contextmanager
def confined_runner(
    folder: Path,
    scratch: Path,
    mechanism: Mechanism,
    limits: Limits | None = None,
    *,
    user_namespace: bool = False,
) -> Iterator[ConfinedRunner]:
    """It ends with the block."""
    scratch.mkdir(parents=True, exist_ok=True)
    runner = ConfinedRunner(folder, scratch, mechanism, limits or Limits(), user_namespace=user_namespace)
    try:
        runner.child.start()
        yield runner
    finally:
        runner.child.kill()
