"""The error that the engine answers with."""


class AshoreError(RuntimeError):
    """What is wrong with a model, an input or a file.

    code: what kind of error, as in the JavaScript package: 'ERR_SHAPE'.  node, op, input: what of
    the model it is about; ''.  advice: what to do about it, the end of the message, too.  index,
    results: of a batch, which run has failed, and what those before it gave.
    """

    index = None
    results = None

    def __init__(self, code, message, node="", op="", input="", advice=""):
        super().__init__(message)
        self.code = code
        self.node = node
        self.op = op
        self.input = input
        self.advice = advice

    def in_batch(self, count, results):
        """This error, of the run that follows those with results, of so many."""
        made = AshoreError(self.code, f"run {len(results)} of {count}: {self}", self.node, self.op,
                           self.input, self.advice)
        made.index, made.results = len(results), results
        return made

    @classmethod
    def of(cls, error):
        """The error behind an exception of Pyodide's; that itself where it is another."""
        if getattr(error, "name", None) != "AshoreError":
            return error
        fields = {name: getattr(error, name, None) or "" for name in ("node", "op", "input", "advice")}
        return cls(error.code, str(error.message), **fields)
