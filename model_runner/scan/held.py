"""Functions that a pickle may hold, for a model to call; the pickle itself may not call them (`lists.py` has those).

A transformer, a kernel, a scorer or a search keeps a function by its name. It may be called with whatever the pickle
says all the same, by `functools.partial` or by a step's `kw_args`: so none is here that reads or writes files, starts
anything, or runs text as code. `tests/unit/test_scan_lists.py` looks at each one that is installed.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


UFUNCS = _words(
    "abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 "
    "atanh bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or "
    "bitwise_right_shift bitwise_xor cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide divmod "
    "equal exp exp2 expm1 fabs float_power floor floor_divide fmax fmin fmod frexp gcd greater greater_equal "
    "heaviside hypot invert isfinite isinf isnan isnat lcm ldexp left_shift less less_equal log log10 log1p "
    "log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor matmul matvec maximum minimum "
    "mod modf multiply negative nextafter not_equal positive pow power rad2deg radians reciprocal remainder "
    "right_shift rint sign signbit sin sinh spacing sqrt square subtract tan tanh true_divide trunc vecdot "
    "vecmat "
    "agm airy airye assoc_legendre_p assoc_legendre_p_all bdtr bdtrc bdtri bdtrik bdtrin bei beip ber berp "
    "besselpoly beta betainc betaincc betainccinv betaincinv betaln binom boxcox boxcox1p btdtria btdtrib "
    "chdtr chdtrc chdtri chdtriv chndtr chndtridf chndtrinc chndtrix cosdg cosm1 cotdg dawsn digamma ellipe "
    "ellipeinc ellipj ellipk ellipkinc ellipkm1 elliprc elliprd elliprf elliprg elliprj entr erf erfc erfcinv "
    "erfcx erfi erfinv eval_chebyc eval_chebys eval_chebyt eval_chebyu eval_gegenbauer eval_genlaguerre "
    "eval_hermite eval_hermitenorm eval_jacobi eval_laguerre eval_legendre eval_sh_chebyt eval_sh_chebyu "
    "eval_sh_jacobi eval_sh_legendre exp1 exp10 expi expit expn exprel fdtr fdtrc fdtri fdtridfd fresnel "
    "gamma gammainc gammaincc gammainccinv gammaincinv gammaln gammasgn gdtr gdtrc gdtria gdtrib gdtrix "
    "hankel1 hankel1e hankel2 hankel2e huber hyp0f1 hyp1f1 hyp2f1 hyperu i0 i0e i1 i1e inv_boxcox "
    "inv_boxcox1p it2i0k0 it2j0y0 it2struve0 itairy iti0k0 itj0y0 itmodstruve0 itstruve0 iv ive j0 j1 jn jv "
    "jve k0 k0e k1 k1e kei keip kelvin ker kerp kl_div kn kolmogi kolmogorov kv kve legendre_p legendre_p_all "
    "log_expit log_ndtr log_wright_bessel loggamma logit lpmv mathieu_a mathieu_b mathieu_cem mathieu_modcem1 "
    "mathieu_modcem2 mathieu_modsem1 mathieu_modsem2 mathieu_sem modfresnelm modfresnelp modstruve nbdtr "
    "nbdtrc nbdtri nbdtrik nbdtrin ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtridf nctdtrinc "
    "nctdtrit ndtr ndtri ndtri_exp nrdtrimn nrdtrisd obl_ang1 obl_ang1_cv obl_cv obl_rad1 obl_rad1_cv "
    "obl_rad2 obl_rad2_cv owens_t pbdv pbvv pbwa pdtr pdtrc pdtri pdtrik poch powm1 pro_ang1 pro_ang1_cv "
    "pro_cv pro_rad1 pro_rad1_cv pro_rad2 pro_rad2_cv pseudo_huber psi radian rel_entr rgamma round shichi "
    "sici sindg smirnov smirnovi spence sph_harm_y sph_harm_y_all sph_legendre_p sph_legendre_p_all stdtr "
    "stdtridf stdtrit struve tandg tklmbda voigt_profile wofz wright_bessel wrightomega xlog1py xlogy y0 y1 "
    "yn yv yve zetac"
)
"""Of NumPy and SciPy. A pickle names them by the first module that has them, which may be any."""

HELD: dict[str, frozenset[str]] = {
    "builtins": _words("abs all any bin divmod hash hex len max min pow repr round sorted sum zip"),
    "joblib.memory": _words("Memory"),
    "math": _words("ceil cos erf exp expm1 fabs floor log log10 log1p log2 radians sin sqrt tan tanh trunc"),
    "numpy": _words(
        "all allclose alltrue amax amin angle any append apply_along_axis apply_over_axes arange argmax "
        "argmin argpartition argsort argwhere around array array_equal array_equiv array_split asanyarray "
        "asarray asarray_chkfinite ascontiguousarray asfarray asfortranarray asmatrix astype atleast_1d "
        "atleast_2d atleast_3d average bartlett base_repr binary_repr bincount blackman block bmat "
        "broadcast_arrays broadcast_shapes broadcast_to busday_count busday_offset can_cast choose clip "
        "column_stack common_type compress concat concatenate convolve copy corrcoef correlate count_nonzero "
        "cov cross cumprod cumproduct cumsum cumulative_prod cumulative_sum datetime_as_string datetime_data "
        "delete diag diag_indices diag_indices_from diagflat diagonal diff digitize dot dsplit dstack ediff1d "
        "einsum einsum_path empty empty_like expand_dims extract eye fix flatnonzero flip fliplr flipud "
        "format_float_positional format_float_scientific from_dlpack frombuffer fromfunction fromiter "
        "fromstring full full_like geomspace gradient hamming hanning histogram histogram2d "
        "histogram_bin_edges histogramdd hsplit hstack i0 identity imag in1d indices inner insert interp "
        "intersect1d is_busday isclose iscomplex iscomplexobj isdtype isfortran isin isneginf isposinf isreal "
        "isrealobj isscalar issubdtype iterable ix_ kaiser kron lexsort linspace logspace mask_indices "
        "matrix_transpose max may_share_memory mean median meshgrid min min_scalar_type mintypecode moveaxis "
        "msort nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin "
        "nanpercentile nanprod nanquantile nanstd nansum nanvar ndim nonzero ones ones_like outer packbits "
        "pad partition percentile permute_dims piecewise poly polyadd polyder polydiv polyfit polyint polymul "
        "polysub polyval prod product promote_types ptp quantile ravel ravel_multi_index real real_if_close "
        "repeat require reshape resize result_type roll rollaxis roots rot90 round round_ row_stack "
        "searchsorted select setdiff1d setxor1d shape shares_memory sinc size sometrue sort sort_complex "
        "split squeeze stack std sum swapaxes take take_along_axis tensordot tile trace transpose trapezoid "
        "trapz tri tril tril_indices tril_indices_from trim_zeros triu triu_indices triu_indices_from "
        "typename union1d unique unique_all unique_counts unique_inverse unique_values unpackbits "
        "unravel_index unstack unwrap vander var vdot vsplit vstack where zeros zeros_like"
        " flexible inexact matrix poly1d recarray record vectorize"
    ),
    "numpy.fft": _words(
        "fft fft2 fftfreq fftn fftshift hfft ifft ifft2 ifftn ifftshift "
        "ihfft irfft irfft2 irfftn rfft rfft2 rfftfreq rfftn"
    ),
    "numpy.linalg": _words(
        "cholesky cond cross det diagonal eig eigh eigvals eigvalsh inv lstsq matmul matrix_norm matrix_power "
        "matrix_rank matrix_transpose multi_dot norm outer pinv qr slogdet solve svd svdvals tensordot "
        "tensorinv tensorsolve trace vecdot vector_norm"
    ),
    "numpy.matrixlib.defmatrix": _words("matrix"),
    "numpy.lib.function_base": _words("average median percentile quantile vectorize"),
    "numpy.lib._function_base_impl": _words("average median percentile quantile vectorize"),
    "numpy.rec": _words("recarray record"),
    "pandas": _words(
        "concat cut factorize from_dummies get_dummies isna isnull melt merge notna notnull qcut to_datetime "
        "to_numeric to_timedelta unique"
    ),
    "pandas.core.dtypes.missing": _words("isna isnull notna notnull"),
    "pandas.core.reshape.concat": _words("concat"),
    "pandas.core.reshape.encoding": _words("from_dummies get_dummies"),
    "pandas.core.reshape.melt": _words("melt"),
    "pandas.core.reshape.reshape": _words("get_dummies"),
    "pandas.core.reshape.tile": _words("cut qcut"),
    "pandas.core.tools.datetimes": _words("to_datetime"),
    "pandas.core.tools.numeric": _words("to_numeric"),
    "pandas.core.tools.timedeltas": _words("to_timedelta"),
    "scipy._lib.array_api_compat.numpy._aliases": _words("asarray"),
    "statsmodels.tsa.exponential_smoothing._ets_smooth": _words(
        "_ets_smooth_add_add _ets_smooth_add_mul _ets_smooth_mul_add _ets_smooth_mul_mul"
    ),
    "torch.nn.functional": _words("elu gelu leaky_relu relu sigmoid silu softmax tanh"),
}
"""By module."""

PACKAGES = (
    "scipy.cluster",
    "scipy.fft",
    "scipy.interpolate",
    "scipy.linalg",
    "scipy.ndimage",
    "scipy.signal",
    "scipy.spatial",
    "scipy.special",
    "scipy.stats",
    "sklearn.base",
    "sklearn.calibration",
    "sklearn.cluster",
    "sklearn.compose",
    "sklearn.covariance",
    "sklearn.cross_decomposition",
    "sklearn.decomposition",
    "sklearn.ensemble",
    "sklearn.feature_extraction",
    "sklearn.feature_selection",
    "sklearn.gaussian_process",
    "sklearn.impute",
    "sklearn.isotonic",
    "sklearn.kernel_approximation",
    "sklearn.linear_model",
    "sklearn.manifold",
    "sklearn.metrics",
    "sklearn.mixture",
    "sklearn.model_selection",
    "sklearn.neighbors",
    "sklearn.neural_network",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.svm",
    "sklearn.tree",
    "sklearn.utils.extmath",
    "sklearn.utils.validation",
    "statsmodels.distributions",
)
"""Packages of which any function may be held, but for those below."""

NOT_HELD_BEGINNINGS = (
    "dump",
    "exec",
    "export",
    "fetch",
    "import",
    "load",
    "open",
    "plot",
    "read",
    "run",
    "save",
    "show",
    "write",
)
"""How functions begin that do more than to compute; behind underscores, too."""

NOT_HELD = _words("_make_tuple_bunch _sub_module_deprecation delegate_xp estimator_html_repr show_options trace_args")
"""Others that do."""
