"""The lists by which globals of a pickle are judged."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EXACT: dict[str, frozenset[str]] = {
    "builtins": _words("bool bytearray bytes complex dict float frozenset int list object range set slice str tuple"),
    "collections": _words("Counter OrderedDict defaultdict deque"),
    "copyreg": _words("__newobj__ __newobj_ex__ _reconstructor"),
    "_codecs": _words("encode"),
    "array": _words("_array_reconstructor array"),
    "datetime": _words("date datetime time timedelta timezone"),
    "decimal": _words("Decimal"),
    "fractions": _words("Fraction"),
    "functools": _words("partial"),
    "pathlib": _words("Path PosixPath PurePosixPath PureWindowsPath"),
    "pathlib._local": _words("Path PosixPath PurePosixPath"),
    "random": _words("Random"),
    "re": _words("_compile"),
    "types": _words("SimpleNamespace"),
    "uuid": _words("UUID"),
    "zoneinfo": _words("ZoneInfo._unpickle"),
    "joblib.numpy_pickle": _words("NumpyArrayWrapper"),
    "numpy": _words(
        "bool bool_ bytes_ clongdouble complex128 complex256 complex64 complexfloating datetime64 dtype float128 "
        "float16 float32 float64 floating generic int16 int32 int64 int8 intc integer intp longdouble longlong ndarray "
        "number object_ signedinteger str_ timedelta64 uint16 uint32 uint64 uint8 uintc uintp ulonglong "
        "unsignedinteger void"
    ),
    "numpy.core.multiarray": _words("_reconstruct scalar"),
    "numpy._core.multiarray": _words("_reconstruct scalar"),
    "numpy.core.numeric": _words("_frombuffer"),
    "numpy._core.numeric": _words("_frombuffer"),
    "numpy.core._internal": _words("_convert_to_stringdtype_kwargs"),
    "numpy._core._internal": _words("_convert_to_stringdtype_kwargs"),
    "numpy.random._pickle": _words("__bit_generator_ctor __generator_ctor __randomstate_ctor"),
    "numpy.ma.core": _words("MaskedArray _mareconstruct"),
    "pandas.core.indexes.base": _words("_new_Index"),
    "pandas.core.indexes.datetimes": _words("_new_DatetimeIndex"),
    "pandas.core.indexes.period": _words("_new_PeriodIndex"),
    "pandas._libs.internals": _words("_unpickle_block"),
    "pandas._libs.tslibs.timestamps": _words("_unpickle_timestamp"),
    "pandas._libs.tslibs.timedeltas": _words("_timedelta_unpickle"),
    "pyarrow.lib": _words("_restore_array chunked_array py_buffer type_for_alias"),
    "torch": _words(
        "BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage ComplexFloatStorage "
        "DoubleStorage FloatStorage HalfStorage IntStorage LongStorage ShortStorage Size Tensor "
        "UntypedStorage bfloat16 bool complex128 complex64 device double float float16 float32 float64 "
        "float8_e4m3fn float8_e5m2 half int int16 int32 int64 int8 long short sparse_coo sparse_csr strided "
        "uint8"
    ),
    "torch._utils": _words(
        "_rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor "
        "_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3"
    ),
    "torch._tensor": _words("_rebuild_from_type_v2"),
    "torch.storage": _words("TypedStorage UntypedStorage"),
    "torch.jit._pickle": _words(
        "build_boollist build_doublelist build_intlist build_tensor_from_id build_tensorlist restore_type_tag"
    ),
}
"""By module: what a pickle may call, with whatever it says. Most of it makes numbers, arrays and tables."""

LIBRARIES = (
    "sklearn",
    "numpy",
    "scipy",
    "pandas",
    "xgboost",
    "lightgbm",
    "catboost",
    "imblearn",
    "category_encoders",
    "feature_engine",
    "mlxtend",
    "sktime",
    "skbase",
    "statsmodels",
    "torch.nn",
    "torch.optim",
    "__torch__",
)
"""A pickle may make objects of their classes (names with a capital): that runs no constructor."""

CALLED = (
    "sklearn",
    "numpy",
    "scipy.interpolate",
    "scipy.sparse",
    "scipy.spatial",
    "pandas",
    "statsmodels.tsa.statespace",
    "statsmodels.tsa.stl",
    "sktime.datatypes",
    "torch.nn",
    "__torch__",
)
"""Libraries whose classes pickles call too: compiled ones, mostly, know no other way."""

NOT_OF_LIBRARIES = (
    "numpy.ctypeslib",
    "numpy.distutils",
    "numpy.f2py",
    "numpy.lib._datasource",
    "numpy.lib.npyio",
    "numpy.lib._npyio_impl",
    "numpy.lib.format",
    "numpy.testing",
    "numpy._pyinstaller",
    "pandas.core.computation",
    "pandas.io",
    "pandas.testing",
    "pandas.util",
    "scipy._lib",
    "scipy.io",
    "scipy.special._precompute",
    "scipy.datasets",
    "sklearn.datasets",
    "sklearn.externals",
    "sklearn.utils._joblib",
    "sklearn.utils._testing",
    "sklearn.utils.parallel",
    "torch.nn.parallel",
    "xgboost.dask",
    "xgboost.spark",
    "xgboost.testing",
    "lightgbm.dask",
    "catboost.utils",
    "feature_engine.datasets",
    "mlxtend.data",
    "mlxtend.file_io",
    "mlxtend.text",
    "sktime.base._serialize",
    "sktime.benchmarking",
    "sktime.classification.foundation_models",
    "sktime.datasets",
    "sktime.libs",
    "sktime.networks",
    "sktime.registry",
    "sktime.utils",
    "statsmodels.datasets",
    "statsmodels.formula",
    "statsmodels.iolib",
    "statsmodels.sandbox",
    "statsmodels.tools.web",
)
"""Parts of them that read files, start processes or compile."""

LOWER_CASE = _words(
    "cKDTree csr_array csr_matrix csc_array csc_matrix coo_array coo_matrix bsr_array bsr_matrix dia_array dia_matrix "
    "dok_array dok_matrix lil_array lil_matrix gaussian_kde interp1d newObj"
)
"""Classes of these libraries without a capital, and one function that makes objects of Cython's."""

READERS = _words(
    "DMatrix DataIter DataSource Dataset ExcelFile ExcelWriter ExtMemQuantileDMatrix HDFStore NpzFile Pool "
    "QuantileDMatrix StataReader StataWriter"
)
"""Classes, under whatever module of theirs, that open files when they are called."""

BORROWED = _words(
    "BytesIO CFloatPtr CNumericPtr CStrPptr CStrPtr Client Components Connection Listener Lock MemorizedFunc Memory "
    "MagicMock NamedTemporaryFile Parallel Parameter Path PathLike Process ProcessPoolExecutor PyCapsule_GetName "
    "PyCapsule_GetPointer RLock SkipTest StringIO TestCase Thread ThreadPoolExecutor UError _BoosterHandle "
    "_DatasetHandle effective_n_jobs isclass namedtuple signature"
)
"""What their modules import from elsewhere. Pickles name things by where they are defined."""

DANGEROUS_PACKAGES = _words(
    "_ctypes _frozen_importlib _frozen_importlib_external _io _pickle _posixsubprocess _socket _thread "
    "_winapi aiohttp antigravity ast asyncio bdb cPickle cProfile cffi cloudpickle code codeop commands "
    "concurrent ctypes dbm dill dis distutils doctest ensurepip faulthandler fcntl fileinput ftplib gc "
    "getpass glob http httplib httpx idlelib imaplib imp importlib inspect io jsonpickle lib2to3 marshal "
    "mmap multiprocessing nt ntpath os pdb pexpect pickle pip pkgutil platform popen2 poplib posix "
    "posixpath profile pty pydoc requests resource runpy setuptools shelve shutil signal smtplib socket "
    "socketserver sqlite3 ssl subprocess sys tarfile telnetlib tempfile threading timeit tkinter trace "
    "unittest urllib urllib2 venv webbrowser xmlrpc zipfile zipimport"
)
"""Top-level modules."""

DANGEROUS_NAMES = _words(
    "__import__ _load_from_bytes _ufunc_reconstruct attrgetter breakpoint compile delattr eval exec "
    "exec_module execfile fork getattr globals import_module input load load_library load_module loads "
    "locals methodcaller open popen read_pickle run_module run_path runstring setattr spawn system vars"
)
"""Refused in the language's own modules, and in no library known without being asked about."""

LANGUAGE = _words("builtins operator _operator")

DANGEROUS = _words(
    "builtins.apply builtins.filter builtins.help builtins.map builtins.memoryview builtins.property "
    "builtins.reduce builtins.super builtins.type functools.reduce itertools.starmap "
    "joblib.numpy_pickle.ZNDArrayWrapper joblib.parallel.Parallel pandas.core.computation.eval.eval "
    "torch.hub.load types.CodeType types.FunctionType types.MethodType types.ModuleType"
)
