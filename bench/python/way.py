"""What all ways to run a model in Python have: blocks of runs, timed by Python's clock."""

from time import perf_counter


class Way:
    """One case.  run(): its outputs; answer(): their numbers, one after the other."""

    def run(self):
        raise NotImplementedError

    def answer(self):
        raise NotImplementedError

    def block(self, runs):
        """Milliseconds of so many runs."""
        run = self.run
        begin = perf_counter()
        for _ in range(runs):
            run()
        return 1000 * (perf_counter() - begin)

    def traffic(self):
        """What the engine counts of copies and calls; None where there is no engine."""
        return None
