"""One thread a process for all tests: matrices this small are slower on more, and the tests' own processes fill the cores.

To be imported before the libraries that read these variables as they are loaded. A value that is set already stays.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
