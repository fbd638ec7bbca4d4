"""The serial correlation factor: how many correlated rows are worth one independent row."""

from typing import Self

import msgspec

MIN_WINDOWS = 50


class SerialFactor(msgspec.Struct, frozen=True, kw_only=True):
    """Running moments of the G statistic over quiet windows that do not overlap (Welford 1962).

    >>> SerialFactor().factor
    1.0
    """

    windows: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Sum of squared differences from the mean."""

    def update(self, g: float) -> Self:
        """With one more quiet window, whose unpooled G statistic was `g`."""
        windows = self.windows + 1
        difference = g - self.mean
        mean = self.mean + difference / windows
        squares = self.squares + difference * (g - mean)
        return type(self)(windows=windows, mean=mean, squares=squares)

    @property
    def factor(self) -> float:
        """a = max(1, var G / (2 mean G)); 1 until 50 windows were seen.

        Independent rows make G chi-squared, whose variance is twice its mean; positively correlated ones
        make it about a times that. n / a is the effective number of rows.
        """
        if self.windows < MIN_WINDOWS or self.mean <= 0:
            return 1.0
        variance = self.squares / (self.windows - 1)
        return max(1.0, variance / (2 * self.mean))
