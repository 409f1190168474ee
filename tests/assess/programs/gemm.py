"""Nothing but a matrix product on all cores: its workers are no request threads."""

import numpy as np
import truth

a = np.random.rand(500, 500).astype(np.float32)
a @ a
truth.begin()
for _ in truth.rounds(2.5):
    truth.part("compute", lambda: a @ a)
truth.finish()
