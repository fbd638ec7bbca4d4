"""Sentences about shares of traffic. Pure."""

from collections.abc import Mapping


def shared_out(model: str, shares: Mapping[int, float]) -> str:
    """Args:
    shares: by version; they add up to 1.
    """
    if len(shares) == 1:
        return f"{model} version {next(iter(shares))} has all the traffic"
    ordered = sorted(shares.items(), key=lambda item: item[1], reverse=True)
    return f"{model} traffic: " + ", ".join(f"version {version} {percent(share)}" for version, share in ordered)


def percent(share: float) -> str:
    """0.125 as `12.5 %`."""
    return f"{share * 100:.4g} %"
