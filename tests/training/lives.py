"""Trainings in processes of their own, some of which are killed: a script that is sent orders.

It imports everything once and forks for each order, a line of JSON: ``{folder, scale, settings,
fate}``. The answer is a line with the exit code.
"""

import json
import os
import random
import resource
import signal
import sys

import harness
import torch
from mmengine.runner import Runner

from mmfake.engine.checkpoint_files import AtomicLocalBackend


def serve():
    torch.set_num_threads(1)
    harness.make_host_fast(setattr)
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(live(**json.loads(line)))
        _, status = os.waitpid(child, 0)
        code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        print(code, file=answers, flush=True)


def live(folder, scale, settings, fate):
    """Train, going on from what is there.

    Args:
        folder (str): Gets ``work``, ``end.pth`` and ``output.txt``.
        scale (str): Config merged over that of the regime.
        settings (dict): Further settings.
        fate (list | None): ``[kind, seed, calls]``: when to be killed.

    Returns:
        int: Exit code.
    """
    for stream in (1, 2):
        os.dup2(os.open(f'{folder}/output.txt', os.O_CREAT | os.O_APPEND | os.O_WRONLY), stream)
    calls = 0

    def count(*_):
        nonlocal calls
        calls += 1  # a trace that gives no other trace back is told of calls alone
        if calls == death:
            os.kill(os.getpid(), signal.SIGKILL)

    dice = random.Random(fate and fate[1])
    death = dice.randrange(1, fate[2]) if fate and fate[0] == 'call' else None
    if fate and fate[0] == 'write':
        die_in_write(dice.randrange(1, 4), dice.random())
    try:
        cfg = harness.config_of('bin_multi_con', f'{folder}/work', scale, '--resume', **settings)
        runner = Runner.from_cfg(cfg)
        if not fate or fate[0] == 'call':
            os.register_at_fork(after_in_child=lambda: sys.settrace(None))  # no worker dies of it
            sys.settrace(count)
        runner.train()
        sys.settrace(None)
        torch.save((calls, harness.state_of(runner)), f'{folder}/end.pth')
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def die_in_write(number, share):
    """Kill -9 in a write of a checkpoint when a share of it is on the disk."""
    put = AtomicLocalBackend.put

    def dying_put(self, content, path):
        nonlocal number
        number -= 1
        if not number:
            signal.signal(signal.SIGXFSZ, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            limit = int(share * len(content))
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        put(self, content, path)

    AtomicLocalBackend.put = dying_put


if __name__ == '__main__':
    serve()
