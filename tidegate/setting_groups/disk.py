"""What is received of a model, and how long it stays on disk."""

from pydantic import Field

from tidegate.setting_groups.group import SettingGroup


class DiskSettings(SettingGroup):
    """Each is the variable TIDEGATE_ and its name in capitals."""

    max_push_bytes: int = Field(
        default=2_000_000_000,
        ge=1000,
        description="Largest pack that a git push may bring, and largest Git LFS object.",
    )
    max_model_files: int = Field(
        default=20_000,
        ge=1,
        description="Most files and folders of one model: pushed, fetched from GitHub, or deployed from a folder.",
    )
    max_model_bytes: int = Field(
        default=4_000_000_000,
        ge=1000,
        description="Most bytes of all files of one model together, unpacked.",
    )
    max_repository_bytes: int = Field(
        default=20_000_000_000,
        ge=1000,
        description="Most bytes of all packs and Git LFS objects of one model's repository.",
    )
    disk_reserve_mb: int = Field(
        default=1000,
        ge=0,
        description="Megabytes of the disk that stay free: what would leave less is not received.",
    )
    keep_versions: int = Field(
        default=10,
        ge=1,
        description="Newest versions of each model whose files stay, however long nobody has used them.",
    )
    keep_unused_days: int = Field(
        default=30,
        ge=1,
        description="Days that the files of an older version stay after it was last used. What runs, and what a "
        "rollback goes to, stays in any case.",
    )
    keep_log_days: int = Field(
        default=14, ge=1, description="Days that the log of a runner stays after it was last written, once it ended."
    )
    keep_days: int = Field(
        default=90,
        ge=1,
        description="Days after which jobs that are over, with their logs, and Git LFS objects that no commit points "
        "to are removed.",
    )
