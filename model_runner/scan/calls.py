"""What a pickle may call: what it names, by that name. Some of what it may call would call or change things for it."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from model_runner.scan.stand_ins import StandIn, is_name

Judge = Callable[[str, str, bool], None]
"""Called with (module, name, whether it is called) of each global; raises where that must not be."""

_TEXT_METHODS = frozenset(
    (
        "capitalize",
        "casefold",
        "lower",
        "lstrip",
        "rstrip",
        "split",
        "splitlines",
        "strip",
        "swapcase",
        "title",
        "upper",
    )
)
_PATTERN_METHODS = frozenset(("findall", "finditer", "fullmatch", "match", "search", "split", "sub"))
_UFUNC_METHODS = frozenset(("accumulate", "outer", "reduce"))
_METHODS = {
    "re._compile": _PATTERN_METHODS,
    "scipy.stats._kde.gaussian_kde": frozenset(("scotts_factor", "silverman_factor")),
    "statsmodels.tsa.exponential_smoothing.ets.ETSModel": frozenset(("loglike",)),
    "statsmodels.nonparametric.kernel_regression.KernelReg": frozenset(("_est_loc_constant", "_est_loc_linear")),
} | {
    f"statsmodels.discrete.count_model.ZeroInflated{kind}": frozenset(("_hessian_logit", "_hessian_probit"))
    for kind in ("Poisson", "GeneralizedPoisson", "NegativeBinomialP")
}
"""Of what was made of these names."""
_DISTRIBUTIONS = (
    "scipy.stats._continuous_distns",
    "scipy.stats._discrete_distns",
    "statsmodels.distributions.discrete",
)
_DISTRIBUTION_METHODS = frozenset(("_cdf_single", "_entropy", "_mom0_sc", "_mom1_sc", "_ppf_single"))
"""What distributions keep of themselves, to call it for many numbers."""
_TEXT = frozenset(("builtins.str", "builtins.bytes"))
_NUMPY_UFUNCS = ("numpy", "numpy._core._multiarray_umath", "numpy.core._multiarray_umath")


class HostileError(Exception):
    """It does what no library writes into a pickle, with names that are known."""


def takes_attributes(thing: Any) -> bool:
    """Whether it is `getattr`, by which a pickle gets at a method: known by how it is called alone."""
    return is_name(thing) and (thing.module, thing.name) == ("builtins", "getattr")


def called(target: Any, arguments: Any, judge: Judge) -> StandIn:
    """What a call makes.

    Raises:
        HostileError: it calls what it has made itself, or has something called.
    """
    if not is_name(target):
        raise HostileError("calls what it has made itself")
    full = f"{target.module}.{target.name}"
    given = list(arguments)
    if takes_attributes(target):
        return _method(given, target, judge)
    judge(target.module, target.name, True)
    if full in _MAKERS:
        return _made(given, judge, has_base=full == "copyreg._reconstructor")
    if full == "torch._tensor._rebuild_from_type_v2" and not _is_rebuilder(given):
        raise HostileError("has a tensor made by what makes none")
    return cast(StandIn, target(*given))


_MAKERS = frozenset({"copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__"})


def _made(given: Sequence[Any], judge: Judge, *, has_base: bool) -> StandIn:
    """An object as old protocols make it. The base's constructor is called with what is given."""
    cls = given[0]
    if not is_name(cls):
        raise HostileError("makes something of what is no class")
    if has_base:
        base = given[1]
        if not is_name(base):
            raise HostileError("makes something of what is no class")
        judge(base.module, base.name, base.module != "builtins")
    return cast(StandIn, object.__new__(cls))


def _is_rebuilder(given: Sequence[Any]) -> bool:
    return bool(given) and is_name(given[0]) and given[0].module in {"torch._utils", "torch._tensor"}


def _method(given: Sequence[Any], target: Any, judge: Judge) -> StandIn:
    """A method, as Python pickles one: `str.lower`, `re.compile(…).findall`, `np.add.reduce`; none of anything else."""
    owner, name = given[:2] if len(given) == 2 else (None, None)
    if not _is_harmless(owner, name):
        judge(target.module, target.name, True)
        raise HostileError("takes an attribute of something")
    return StandIn()


def _is_harmless(owner: Any, name: Any) -> bool:
    if is_name(owner):
        if f"{owner.module}.{owner.name}" in _TEXT:
            return name in _TEXT_METHODS
        return owner.module in _NUMPY_UFUNCS and name in _UFUNC_METHODS
    if not isinstance(owner, StandIn):
        return False
    if owner.module in _DISTRIBUTIONS:
        return name in _DISTRIBUTION_METHODS
    return name in _METHODS.get(owner.full_name, ())
