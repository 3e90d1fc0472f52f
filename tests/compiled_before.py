"""Have the loops of the renderer compiled and kept, and print a digest of what they make.

Tests' processes that start together would each compile them: `make test` runs this first, beside the type checker.
"""

import hashlib

import torch

from arcgate.imaging import DECALS
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.render import lensed_light

n = 24
number = torch.arange(n, dtype=torch.float64) / n
lens = Lenses.of(0.5 + 2.0 * number, 0.6 + 0.35 * number, 3.0 * number, 0.05 * number, -0.03 * number)
source = Sersics.of(0.1 + 0.4 * number, 1.0 + number, 0.5 + 0.4 * number, 2.0 * number, 0.2 * number, -0.3 + 0.5 * number)
light = lensed_light(lens, source, 31.2 + 0.5 * number, 31.7 - 0.4 * number, DECALS.frame)
print(hashlib.sha256(light.moments.numpy().tobytes()).hexdigest())
