"""The host: which versions will do, and repairs of its released wheels.

One repair per file, each inactive where the host is whole.
"""

from .noise import silence_mmcv_lite
from .versions import check_versions

check_versions()  # before anything of the host is imported
silence_mmcv_lite()

from .checkpoint_contents import check_contents, repair_trust_in_checkpoints  # noqa: E402
from .checkpoints import repair_checkpoint_loading, safe_load  # noqa: E402
from .distributed import repair_cpu_distributed  # noqa: E402
from .localizers import repair_missing_drn  # noqa: E402

repair_missing_drn()
repair_checkpoint_loading()
repair_trust_in_checkpoints()
repair_cpu_distributed()

__all__ = [
    'check_contents',
    'check_versions',
    'repair_checkpoint_loading',
    'repair_cpu_distributed',
    'repair_missing_drn',
    'repair_trust_in_checkpoints',
    'safe_load',
    'silence_mmcv_lite',
]
