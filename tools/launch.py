"""torchrun that ends without a traceback: the processes have told what was wrong themselves."""

import logging
import signal
import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main

if __name__ == '__main__':
    logging.disable(logging.WARNING)  # of the processes it signals
    try:
        main()
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        sys.exit(failure.exitcode if failure.exitcode > 0 else 128 - failure.exitcode)
    except SignalException as error:
        if error.sigval != signal.SIGINT:  # of which each process has told
            name = signal.Signals(error.sigval).name
            print(f'the processes were ended by {name}', file=sys.stderr)
        sys.exit(128 + error.sigval)
    except KeyboardInterrupt:
        sys.exit(130)
