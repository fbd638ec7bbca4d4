"""What the groups of settings have in common."""

from pydantic import BaseModel, ConfigDict


class SettingGroup(BaseModel):
    """Nobody reads a group alone, so its validator is not built: every start would pay for it."""

    model_config = ConfigDict(defer_build=True)
