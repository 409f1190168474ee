"""How sessions and runs are made: onnxruntime's options, those that mean something here."""
import enum
import warnings


class GraphOptimizationLevel(enum.IntEnum):
    """ORT_DISABLE_ALL runs the graph as it is written; all others are one here."""
    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(enum.IntEnum):
    """Accepted; nodes run one after the other, each on all threads."""
    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class ExecutionOrder(enum.IntEnum):
    """Accepted; the engine plans its own order."""
    DEFAULT = 0
    PRIORITY_BASED = 1
    MEMORY_EFFICIENT = 2


def ignored(what, why):
    """Says that something given has no effect."""
    warnings.warn(f"{what} has no effect: {why}", UserWarning, stacklevel=4)


class _Entries:
    """Settings by name, with those that onnxruntime has and no others."""

    _defaults = {}

    def __init__(self):
        for name, value in self._defaults.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name, value):
        if name not in self._defaults and not name.startswith("_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        object.__setattr__(self, name, value)


class SessionOptions(_Entries):
    """intra_op_num_threads, graph_optimization_level and enable_profiling are honoured; what has no
    meaning here is accepted, with a warning where a program may count on it."""

    _defaults = {
        "enable_cpu_mem_arena": True, "enable_mem_pattern": True, "enable_mem_reuse": True,
        "enable_profiling": False, "execution_mode": ExecutionMode.ORT_SEQUENTIAL,
        "execution_order": ExecutionOrder.DEFAULT,
        "graph_optimization_level": GraphOptimizationLevel.ORT_ENABLE_ALL,
        "inter_op_num_threads": 0, "intra_op_num_threads": 0, "log_severity_level": -1,
        "log_verbosity_level": 0, "logid": "", "optimized_model_filepath": "",
        "profile_file_prefix": "onnxruntime_profile_", "use_deterministic_compute": False,
        "use_per_session_threads": True}

    def __init__(self):
        super().__init__()
        self._config = {}

    def add_session_config_entry(self, key, value):
        """Kept, and without effect."""
        self._config[key] = value

    def get_session_config_entry(self, key):
        """What was kept."""
        if key not in self._config:
            raise RuntimeError(f"SessionOptions does not have configuration with key: {key}")
        return self._config[key]

    def add_free_dimension_override_by_name(self, name, value):
        """Runs are planned for the extents that they are given."""
        ignored(f"the extent {name} = {value}", "each run is planned for its own extents")

    add_free_dimension_override_by_denotation = add_free_dimension_override_by_name

    def add_initializer(self, name, value):
        """Not here."""
        raise NotImplementedError("add_initializer: weights come from the model's file")

    def add_external_initializers(self, names, values):
        """Not here."""
        raise NotImplementedError("add_external_initializers: weights come from the model's files")

    def register_custom_ops_library(self, path):
        """Not here: a library is machine code."""
        raise NotImplementedError(f"{path}: a library of operators cannot be loaded in a browser")

    def has_providers(self):
        """Whether providers were added."""
        return False

    def _for_engine(self):
        options = {}
        if self.graph_optimization_level == GraphOptimizationLevel.ORT_DISABLE_ALL:
            options["optimize"] = False
        if self.intra_op_num_threads:
            options["threads"] = self.intra_op_num_threads
        if self.enable_profiling:
            options["profile"] = True
        if self.optimized_model_filepath:
            ignored("optimized_model_filepath", "the engine keeps its graph to itself")
        return options


class RunOptions(_Entries):
    """terminate is honoured when a run begins; to end one that is under way, cancel its task."""

    _defaults = {"log_severity_level": -1, "log_verbosity_level": 0, "logid": "",
                 "only_execute_path_to_fetches": False, "terminate": False}

    def __init__(self):
        super().__init__()
        self._config = {}

    def add_run_config_entry(self, key, value):
        """Kept, and without effect."""
        self._config[key] = value

    def get_run_config_entry(self, key):
        """What was kept."""
        return self._config.get(key, "")

    def add_active_adapter(self, adapter):
        """Not here."""
        raise NotImplementedError("add_active_adapter: export the model with its adapter merged")
