"""torchrun that ends in one line: the processes have told what was wrong themselves."""

import errno
import logging
import signal
import socket
import sys
import tempfile
from pathlib import Path

from torch import cuda, distributed
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import (
    determine_local_world_size,
    get_args_parser,
    main,
    parse_min_max_nnodes,
)

# torch 2.1 has no class of its own for the first
NETWORK_ERRORS = (getattr(distributed, 'DistError', RuntimeError), TimeoutError)


def stop(reason):
    """End as every command here does on a mistake of the user's."""
    print(f'error: {reason}', file=sys.stderr, flush=True)
    sys.exit(2)


def parse():
    """Parse torchrun's options and refuse those that it would end in a traceback over."""
    parser = get_args_parser()
    parser.error = stop  # without the hundred lines of usage
    given = parser.parse_args()
    try:
        machines, _ = parse_min_max_nnodes(given.nnodes)
    except (ValueError, RuntimeError):
        machines = 0
    if machines < 1:
        stop(f'NNODES={given.nnodes}: not a number of machines; give 1 or more.')
    if not 0 <= given.node_rank < machines:
        stop(
            f'NODE_RANK={given.node_rank}: the {machines} machines of NNODES count from 0 to '
            f'{machines - 1}.'
        )
    try:
        processes = determine_local_world_size(given.nproc_per_node)  # understands "gpu", too
    except ValueError:
        processes = 0
    if str(given.nproc_per_node).endswith('.pth'):
        stop(f'{given.nproc_per_node}: a second checkpoint (a * that matches two?); give one.')
    if processes < 1:
        stop(
            f'N={given.nproc_per_node}: not a number of processes for this machine; give 1 or '
            'more, one per GPU if it has any.'
        )
    gpus = cuda.device_count() if cuda.is_available() else processes
    if processes > gpus:
        stop(f'N={processes}: this machine has {gpus} GPU{"s" * (gpus > 1)}; give at most {gpus}.')
    return given


def check_machine(given):
    """Look whether there is a port to meet at and a folder for torchrun's own files."""
    try:
        with tempfile.TemporaryDirectory():
            pass
    except OSError as error:
        stop(
            f'no temporary folder can be used ({error.strerror}); make room there, or name '
            'another folder in TMPDIR.'
        )
    if not 1 <= given.master_port <= 65535:
        stop(f'PORT={given.master_port}: not a port; give one from 1 to 65535.')
    if given.node_rank != 0:
        return
    try:
        socket.create_server(('', given.master_port)).close()
    except OSError as error:
        taken = getattr(error, 'errno', None) == errno.EADDRINUSE
        reason = 'in use, maybe by another run' if taken else f'not to be had ({error})'
        free = given.master_port + 1 if taken and given.master_port < 65535 else 29500
        script = f'dist_{Path(given.training_script).stem}.sh'
        stop(
            f'PORT={given.master_port}: {reason}; choose another: PORT={free} bash tools/{script} '
            '...'
        )


if __name__ == '__main__':
    logging.disable(logging.ERROR)  # of the processes it signals, and of how they ended
    options = parse()
    check_machine(options)
    try:
        main()
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:  # it could not tell itself
            name = signal.Signals(-failure.exitcode).name
            hint = ', maybe for want of memory' if name == 'SIGKILL' else ''
            print(f'the process of rank {rank} was ended by {name}{hint}', file=sys.stderr)
        sys.exit(failure.exitcode if failure.exitcode > 0 else 128 - failure.exitcode)
    except NETWORK_ERRORS as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        stop(f'{reason}; look at MASTER_ADDR={options.master_addr} and PORT={options.master_port}.')
    except SignalException as error:
        if error.sigval != signal.SIGINT:  # of which each process has told
            name = signal.Signals(error.sigval).name
            print(f'the processes were ended by {name}', file=sys.stderr)
        sys.exit(128 + error.sigval)
    except KeyboardInterrupt:
        sys.exit(130)
