"""Where changes of alerts are posted."""

from pydantic import Field, SecretStr

from tidegate.setting_groups.group import SettingGroup


class AlertSettings(SettingGroup):
    """Each is the variable TIDEGATE_ and its name in capitals."""

    webhook_url: SecretStr | None = Field(default=None, description="Where each change of an alert is posted.")
    webhook_secret: SecretStr | None = Field(
        default=None, description="Signs webhooks by the Standard Webhooks scheme (`whsec_` and base64)."
    )
